#include "server/config.h"

#include <cstdlib>
#include <random>

#include <doctest/doctest.h>

#include "server/config_files.h"
#include "tests/server/config_loading.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;
using testing::error_in_block;
using testing::error_of;
using testing::load;

constexpr std::string_view kKnown =
    "; known: acl, any, bind, bufsize, cache, cancel, chaos, debug, ede, errors, forward, header, "
    "health, hosts, kubernetes, loadbalance, local, log, loop, metadata, minimal, multisocket, "
    "nsid, pprof, prometheus, ratelimit, ready, reload, rewrite, rrl, status, template, timeouts, "
    "whoami";

/// ZONE@ADDRESS:PORT of everything that is served.
std::string served(const Config& config) {
    std::string out;
    for (const ServerBlock& block : config.blocks) {
        for (const ZoneKey& key : block.keys) {
            for (const Listen& listen : key.listens) {
                out += (out.empty() ? "" : " ") + key.zone.to_string() + "@" + listen.address +
                       ":" + std::to_string(listen.port);
            }
        }
    }
    return out;
}

TEST_CASE("what kubeadm ships loads, with manifests") {
    const ScratchFolder folder;
    folder.write("resolv.conf", "nameserver 192.0.2.53\n");
    const Config config = load(R"(.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       manifests objects
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
)",
                               folder.path());
    REQUIRE(config.blocks.size() == 1);
    const ServerBlock& block = config.blocks[0];
    CHECK(served(config) == ".@:53");
    CHECK(block.errors);
    CHECK(block.loadbalance);
    CHECK(block.logs.empty());
    CHECK(!block.empty);
    REQUIRE(block.kubernetes);
    CHECK(block.kubernetes->options.zones.size() == 3);
    REQUIRE(block.forwards.size() == 1);
    CHECK(block.forwards[0].options.upstreams ==
          std::vector<resolver::Upstream>{{"192.0.2.53", 53}});
    CHECK(config.workers == 0);
    CHECK(config.notices.empty());
}

TEST_CASE("what a block listens on") {
    struct Case {
        std::string_view text;
        std::string_view served;
    };
    const Case cases[] = {
        {". {\n}", ".@:1053"},
        {".:5300 {\n}", ".@:5300"},
        {"a.org b.org:99 {\n}", "a.org.@:1053 b.org.@:99"},
        {"10.0.0.0/15:99 {\n}", "0.10.in-addr.arpa.@:99 1.10.in-addr.arpa.@:99"},
        {".:5 {\n bind 127.0.0.1 ::1\n}", ".@127.0.0.1:5 .@::1:5"},
        {".:5 {\n bind 127.0.0.1\n bind 0:0:0:0:0:0:0:1 127.0.0.1\n}", ".@127.0.0.1:5 .@::1:5"},
        {".:5 {\n bind lo {\n except ::1\n }\n}", ".@127.0.0.1:5"},
        {".:5 {\n bind 127.0.0.1 127.0.0.2 {\n except 127.0.0.1\n }\n}", ".@127.0.0.2:5"},
        {".:5 {\n bind 127.0.0.1\n}\n.:5 {\n bind 127.0.0.2\n}", ".@127.0.0.1:5 .@127.0.0.2:5"},
        {".:5 {\n}\n.:6 {\n}\na:5 {\n}", ".@:5 .@:6 a.@:5"},
        {".:5 {\n bind 127.0.0.1\n}\na:5 {\n}", ".@127.0.0.1:5 a.@:5"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        LoadOptions options;
        options.text = c.text;
        options.file = "Corefile";
        options.default_port = 1053;
        CHECK(served(load_config(options)) == c.served);
    }
}

TEST_CASE("a zone is served once on each listener") {
    struct Case {
        std::string_view text;
        std::string_view error;
    };
    const Case cases[] = {
        {". {\n}\n. {\n}", "Corefile:3: cannot serve dns://.:53 - it is already defined"},
        {"a A {\n}", "Corefile:1: cannot serve dns://a.:53 - it is already defined"},
        {"a\n,\nb,\na:53 {\n}", "Corefile:2: unknown plugin: read ','"},
        {".:5 {\n bind ::1\n}\n.:5 {\n bind 0::1\n}",
         "Corefile:4: cannot serve dns://.:5 on ::1 - it is already defined"},
        {".:5 {\n bind ::1\n}\n.:5 {\n}",
         "Corefile:4: cannot serve dns://.:5 - zone overlap listener capacity with dns://.:5 on "
         "::1"},
        {".:5 {\n}\n.:5 {\n bind ::1\n}",
         "Corefile:3: cannot serve dns://.:5 on ::1 - zone overlap listener capacity with "
         "dns://.:5"},
        {"10.0.0.0/8 {\n}\n10.in-addr.arpa {\n}",
         "Corefile:3: cannot serve dns://10.in-addr.arpa.:53 - it is already defined"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.text);
        const std::string error = error_of(c.text);
        CHECK(error.substr(0, c.error.size()) == c.error);
    }
}

TEST_CASE("bind refuses what is no address of this machine's interfaces") {
    CHECK(error_in_block("bind") == "Corefile:2: bind takes 1 or more arguments: read 'bind'");
    CHECK(error_in_block("bind nosuchif0") ==
          "Corefile:2: not an IP address or interface name: read 'nosuchif0'");
    CHECK(error_in_block("bind 127.0.0.1 {\nexcept 127.0.0.1\n}") ==
          "Corefile:2: bind leaves no address to listen on: read 'bind 127.0.0.1'");
    CHECK(error_in_block("bind ::1 {\nexcept\n}") ==
          "Corefile:3: except takes 1 or more arguments: read 'except'");
    CHECK(error_in_block("bind ::1 {\nonly ::1\n}") ==
          "Corefile:3: unknown property of bind: read 'only'; known: except");
}

TEST_CASE("plugins that are not known or not here yet are told apart") {
    const std::string known(kKnown);
    CHECK(error_in_block("frobnicate") == "Corefile:2: unknown plugin: read 'frobnicate'" + known);
    CHECK(error_in_block("\"\"") == "Corefile:2: unknown plugin: read ''" + known);
    for (const std::string name : {"autopath", "dns64", "secondary", "tls", "view"}) {
        CHECK(error_in_block(name + " x {\ny\n}") ==
              "Corefile:2: plugin not supported in this version: read '" + name + "'" + known);
    }
}

TEST_CASE("some plugins may stand in a block once") {
    for (const std::string line : {"errors", "cache", "loop", "prometheus", "ready",
                                   "multisocket 2", "kubernetes {\nmanifests x\n}"}) {
        const std::string name = line.substr(0, line.find(' '));
        CAPTURE(name);
        CHECK(error_in_block(line + "\n" + line)
                  .find(": this plugin can only be used once per Server Block: read '" + name +
                        "'") != std::string::npos);
        CHECK(error_of("a {\n" + line + "\n}\nb {\n" + line + "\n}") == "(loads)");
    }
    for (const std::string line :
         {"forward . 192.0.2.1", "log", "health", "reload", "loadbalance", "bind ::1"}) {
        CAPTURE(line);
        CHECK(error_in_block(line + "\n" + line) == "(loads)");
    }
}

TEST_CASE("a block in which no plugin sees queries is empty") {
    for (const std::string line : {"", "bind ::1", "health", "ready", "reload", "multisocket 2"}) {
        CAPTURE(line);
        CHECK(load("a {\n" + line + "\n}").blocks.at(0).empty);
    }
    for (const std::string line : {"errors", "log", "cache", "loop", "prometheus", "loadbalance",
                                   "forward . 192.0.2.1", "kubernetes {\nmanifests x\n}"}) {
        CAPTURE(line);
        CHECK(!load("a {\n" + line + "\nhealth\n}").blocks.at(0).empty);
    }
}

TEST_CASE("multisocket sets the number of workers") {
    CHECK(load("a {\nmultisocket\n}").workers == 0);
    CHECK(load("a {\nmultisocket 1\n}").workers == 1);
    CHECK(load("a {\nmultisocket 3\n}\nb {\nmultisocket 2\n}").workers == 3);
    CHECK(error_in_block("multisocket 0") ==
          "Corefile:2: multisocket needs a whole number from 1 to 1024: read '0'");
    CHECK(error_in_block("multisocket 1025") ==
          "Corefile:2: multisocket needs a whole number from 1 to 1024: read '1025'");
    CHECK(error_in_block("multisocket 1 2") ==
          "Corefile:2: multisocket takes 0 to 1 arguments: read 'multisocket 1 2'");
}

TEST_CASE("a Corefile without a server block is refused") {
    CHECK(error_of("") == "Corefile: no server block in this file");
    CHECK(error_of("# nothing\n(s) {\n errors\n}") == "Corefile: no server block in this file");
}

TEST_CASE("notices are given once for the whole file") {
    CHECK(load("a {\nerrors\n}").notices.empty());
    CHECK(load("a {\nloop\nforward . ::1\nhealth\nready\n}\n"
               "b {\nloop\nimport none.*\n}")
              .notices == std::vector<std::string>{"Corefile:9: no file matches import none.*"});
}

TEST_CASE("plugin names are sorted") {
    const auto names = plugin_names();
    CHECK(names.size() == 34);
    CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("shuffled words never break the loader") {
    static constexpr std::string_view kWords[] = {
        "kubernetes", "forward", "cache",    "log",     "bind",   "errors", "reload",    "{\n",
        "\n}\n",      "\n",      ".",        "1.1.1.1", "::1",    "30",     "-1",        "5s",
        "pods",       "ttl",     "except",   "policy",  "random", "labels", "a in (b)",  "class",
        "all",        "success", "prefetch", "10%",     "x/y",    "lo",     "10.0.0.0/9"};
    std::mt19937 random(7);
    std::uniform_int_distribution<std::size_t> word(0, std::size(kWords) - 1);
    std::uniform_int_distribution<int> length(0, 20);
    int loaded = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string text = ".:53 {\n";
        for (int i = length(random); i > 0; --i) {
            text += kWords[word(random)];
            text += ' ';
        }
        const std::string error = error_of(text + "\n}\n");
        loaded += error == "(loads)" ? 1 : 0;
        CHECK((error == "(loads)" || error.starts_with("Corefile:")));
    }
    CHECK(loaded > 0);
    CHECK(loaded < 5000);
}

TEST_CASE("what Kubernetes distributions ship loads, or says what is missing") {
    const char* folder = std::getenv("KERYX_COREFILES");
    if (folder == nullptr) {
        MESSAGE("skipped: KERYX_COREFILES names no folder");
        return;
    }
    int supported = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".Corefile") {
            continue;
        }
        const std::string file = entry.path().filename().string();
        CAPTURE(file);
        const auto text = read_text_file(entry.path());
        REQUIRE(text);
        const std::string error = error_of(*text, folder);
        const bool is_supported = error == "(loads)";
        supported += is_supported ? 1 : 0;
        CHECK((is_supported || error.find("not supported in this version") != std::string::npos));
        // dns64; tls://
        const bool lacks_something = file.starts_with("kops-ipv6") || file.starts_with("openshift");
        CHECK(is_supported != lacks_something);
    }
    CHECK(supported >= 17);
}

}  // namespace
}  // namespace server
