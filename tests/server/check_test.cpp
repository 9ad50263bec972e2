#include "server/check.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "k8s_client/manifests.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;
using Lines = std::vector<std::string>;

/// The lines about a Corefile in `folder`; two workers.
Lines checked(const ScratchFolder& folder, std::string_view corefile) {
    CommandLine line;
    line.conf = folder.write("Corefile", corefile);
    line.conf_given = true;
    line.workers = 2;
    return check(line);
}

std::string why_not(const ScratchFolder& folder, std::string_view corefile) {
    try {
        checked(folder, corefile);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "(valid)";
}

bool has(const Lines& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
}

}  // namespace

TEST_CASE("check: a paragraph per block, listeners, reload, workers, notices") {
    const ScratchFolder folder;
    folder.write("ca", "x");
    folder.write("hosts", "192.0.2.1 a.example\n");
    CHECK(checked(folder, R"(.:53 {
    errors
    debug
    rewrite name suffix .old.example .new.example
    hosts hosts example {
        192.0.2.7 b.example
        fallthrough
    }
    cache 30 {
        disable denial cluster.local
        serve_stale
    }
    forward . 192.0.2.53 {
        force_tcp
        max_concurrent 10
    }
    health :8080 {
        lameduck 5s
    }
    prometheus [::1]:9153
    reload 10s 4s
}
a.example:5353 {
    bind 127.0.0.1
}
)") == Lines{
           ".:53: errors, rewrite, hosts, cache, forward",
           "    plugin/forward: . to 192.0.2.53:53",
           "    plugin/rewrite: name suffix .old.example to .new.example",
           "    plugin/hosts: " + (folder.path() / "hosts").string() +
               " and 1 line of the Corefile for example., ttl 3600, looked at every 5s; "
               "fallthrough for every name",
           "    plugin/cache: for every name, 9984 answers of 5 to 30 s, 9984 denials of 5 to "
           "30 s, failures 5 s, no denials for cluster.local., stale answers for 1h0m0s "
           "(immediate)",
           "    plugin/forward: .: policy random, TCP, read_timeout 2s, down after 3 failed "
           "probes, one each 500ms, max_concurrent 10",
           "    plugin/health: http://:8080/health, lameduck 5s",
           "    plugin/prometheus: http://[::1]:9153/metrics",
           "a.example.:5353 on 127.0.0.1: refuses all queries",
           "listens on dns://:53 (every address), UDP and TCP",
           "listens on dns://127.0.0.1:5353, UDP and TCP",
           "plugin/reload: every 10s, give or take 2s",
           "2 workers",
           "notice: accepted, and without effect here: debug",
           (folder.path() / "Corefile").string() + ": valid",
       });
}

TEST_CASE("check: settings that are not the defaults") {
    const ScratchFolder folder;
    const Lines lines = checked(folder, R"(.:53 {
    log . example {
        class denial error
    }
    acl example {
        block
    }
    template IN A example {
        match ^a ^b
        rcode NXDOMAIN
    }
    kubernetes cluster.local {
        endpoint http://192.0.2.9
        pods verified
        ignore empty_service
        endpoint_pod_names
        resync 0
        snapshot /var/lib/keryx/snapshot
        startup_timeout 1s
    }
    cache {
        prefetch 5 1m 20%
        keepttl
        serve_stale 30s verify
    }
    forward example 192.0.2.53 {
        except a.example
        prefer_udp
        max_fails 0
        failfast_all_unhealthy_upstreams
        source_address 192.0.2.1
        policy sequential
    }
    bufsize 1400
    ready 127.0.0.1:8181
})");
    for (const std::string line : {
             "    plugin/log: every name: denial, error",
             "    plugin/acl: 1 rule for example.",
             "    plugin/template: for example., that match ^a or ^b",
             "    plugin/kubernetes: pods verified, ttl 5, endpoint_pod_names, ignore "
             "empty_service, ns.dns is kube-system/kube-dns, startup_timeout 1s, no resync, "
             "snapshot /var/lib/keryx/snapshot up to 24h0m0s old",
             "    plugin/cache: for every name, 9984 answers of 5 to 3600 s, 9984 denials of 5 to "
             "1800 s, failures 5 s, prefetch after 5 hits, in the last 20 % of a lifetime, stale "
             "answers for 30s (verify), keepttl",
             "    plugin/forward: example.: policy sequential, UDP, then TCP, read_timeout 2s, no "
             "health checks, except a.example., failfast_all_unhealthy_upstreams, from 192.0.2.1",
             "    replies over UDP up to 1400 octets",
             "    plugin/ready: http://127.0.0.1:8181/ready",
         }) {
        CAPTURE(line);
        CHECK(has(lines, line));
    }
}

TEST_CASE("check: what a start refuses") {
    const ScratchFolder folder;
    CHECK(why_not(folder, ".:53 {\n    nosuch\n}\n").find("Corefile:2") != std::string::npos);
    CHECK(why_not(folder, ".:53 {\n kubernetes x {\n kubeconfig absent\n }\n}\n").find("absent") !=
          std::string::npos);
    CHECK(
        why_not(folder, ".:53 {\n kubernetes x {\n endpoint https://192.0.2.1\n tls a b c\n }\n}\n")
            .find("tls: ") != std::string::npos);
    CHECK_THROWS_AS(checked(folder, ".:53 {\n kubernetes x {\n manifests absent\n }\n}\n"),
                    k8s_client::ManifestError);
    folder.write("bad.yaml", "a: [\n");
    CHECK_THROWS_AS(checked(folder, ".:53 {\n kubernetes x {\n manifests bad.yaml\n }\n}\n"),
                    k8s_client::ManifestError);
}

TEST_CASE("check: what is worth a notice is no error") {
    const ScratchFolder folder;
    folder.write("objects.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n");
    const Lines lines =
        checked(folder, ".:53 {\n hosts absent\n kubernetes x {\n manifests objects.yaml\n }\n}\n");
    CHECK(std::ranges::count_if(lines, [](const std::string& line) {
              return line.starts_with("notice: ") && line.find("absent") != line.npos;
          }) == 1);
    CHECK(has(lines, "plugin/reload: off; SIGUSR1 loads the Corefile again"));
    CHECK(lines.back().ends_with("Corefile: valid"));
}

}  // namespace server
