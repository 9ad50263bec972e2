#include "server/announcement.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "server/version.h"
#include "tests/server/config_loading.h"

namespace server {
namespace {

using Lines = std::vector<std::string>;

/// Without the last two lines, the version and how it was built.
Lines announced(std::string_view corefile) {
    const Config config = testing::load(corefile);
    std::vector<Listen> listens;
    for (const ServerBlock& block : config.blocks) {
        for (const ZoneKey& key : block.keys) {
            for (const Listen& listen : key.listens) {
                if (std::find(listens.begin(), listens.end(), listen) == listens.end()) {
                    listens.push_back(listen);
                }
            }
        }
    }
    Lines lines = announcement(config, listens, 2);
    REQUIRE(lines.size() > 2);
    CHECK(lines[lines.size() - 2] == std::string("Keryx-") + kVersion);
    CHECK(lines.back().find("linux/") == 0);
    lines.resize(lines.size() - 2);
    return lines;
}

}  // namespace

TEST_CASE("zones, listeners, plugins, what is watched, upstreams, workers") {
    CHECK(announced(R"(.:53 example.org:53 {
    bind 0.0.0.0 ::
    errors
    log
    forward . 192.0.2.1 2001:db8::1 192.0.2.2:5300
    cache
}
cluster.local:5353 {
    bind 127.0.0.1
    kubernetes cluster.local 10.0.0.0/8 {
        endpoint https://192.0.2.9:6443
        namespaces a b
        labels app=web
        pods verified
    }
}
nowhere:5353 {
    bind 127.0.0.1
}
)") == Lines{
           ".:53",
           "example.org.:53",
           "cluster.local.:5353 on 127.0.0.1",
           "nowhere.:5353 on 127.0.0.1",
           "listening dns://0.0.0.0:53",
           "listening dns://[::]:53",
           "listening dns://127.0.0.1:5353",
           ".:53, example.org.:53: errors, log, cache, forward",
           "plugin/forward: . to 192.0.2.1:53 [2001:db8::1]:53 192.0.2.2:5300",
           "cluster.local.:5353 on 127.0.0.1: kubernetes",
           "plugin/kubernetes: cluster.local. 10.in-addr.arpa.: watching services, namespaces, "
           "endpoints, pods of the API server https://192.0.2.9:6443; namespaces a b; labels "
           "app=web",
           "nowhere.:5353 on 127.0.0.1: refuses all queries",
           "2 workers",
       });
}

TEST_CASE("where the objects come from") {
    const auto watching = [](const std::string& options) {
        const Lines lines = announced(".:53 {\n kubernetes {\n" + options + "\n}\n}");
        const auto line = std::find_if(lines.begin(), lines.end(), [](const std::string& text) {
            return text.find(": watching ") != text.npos;
        });
        return line == lines.end() ? "" : line->substr(line->find(": watching ") + 2);
    };
    CHECK(watching("noendpoints") == "watching services, namespaces of the API server of this pod");
    CHECK(watching("manifests /etc/objects").find(" of /etc/objects") != std::string::npos);
    CHECK(watching("namespace_labels a=b").find("; namespace labels a=b") != std::string::npos);
}

}  // namespace server
