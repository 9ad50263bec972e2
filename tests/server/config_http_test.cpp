#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

namespace server {
namespace {

using testing::block_with;
using testing::error_in_block;

std::string listen_text(const Listen& listen) {
    return listen.address + " " + std::to_string(listen.port);
}

std::string health_listen(std::string_view address) {
    return listen_text(block_with("health " + std::string(address)).health.value().listen);
}

TEST_CASE("what health, ready and prometheus are without arguments") {
    const ServerBlock block = block_with("health\nready\nprometheus");
    REQUIRE((block.health && block.ready && block.prometheus));
    CHECK(listen_text(block.health->listen) == " 8080");
    CHECK(block.health->lameduck.count() == 0);
    CHECK(listen_text(block.ready->listen) == " 8181");
    CHECK(!block.ready->continuously);
    CHECK(listen_text(block.prometheus->listen) == "127.0.0.1 9153");
    const ServerBlock none = block_with("whoami");
    CHECK(!(none.health || none.ready || none.prometheus));
}

TEST_CASE("addresses of HTTP listeners") {
    CHECK(health_listen(":1") == " 1");
    CHECK(health_listen(":0") == " 0");
    CHECK(health_listen("0.0.0.0:9153") == " 9153");  // as Go: all addresses, of both families
    CHECK(health_listen("[::]:9153") == " 9153");
    CHECK(health_listen("localhost:80") == "127.0.0.1 80");
    CHECK(health_listen("169.254.20.10:65535") == "169.254.20.10 65535");
    CHECK(health_listen("[::1]:80") == "::1 80");
    CHECK(health_listen("[0:0:0:0:0:0:0:1]:80") == "::1 80");
    CHECK(health_listen("[fe80::1%lo]:80") == "fe80::1%lo 80");
    setenv("KERYX_TEST_ADDRESS", "127.0.0.9", 1);
    CHECK(health_listen("{$KERYX_TEST_ADDRESS}:9253") == "127.0.0.9 9253");
    unsetenv("KERYX_TEST_ADDRESS");
}

TEST_CASE("options of health and ready") {
    CHECK(block_with("health {\nlameduck 5s\n}").health->lameduck == std::chrono::seconds(5));
    const ServerBlock twice = block_with("health :1 {\nlameduck 5s\n}\nhealth :2");
    CHECK(listen_text(twice.health->listen) == " 2");
    CHECK(twice.health->lameduck == std::chrono::seconds(5));
    CHECK(block_with("ready {\nmonitor continuously\n}").ready->continuously);
    CHECK(!block_with("ready {\nmonitor until-ready\n}").ready->continuously);
    CHECK(block_with("prometheus :9153 {\nruntime_metrics\n}").prometheus);
}

TEST_CASE("each block has its own") {
    const Config config = testing::load("a {\nready 127.0.0.1:1\n}\nb {\nready 127.0.0.2:1\n}");
    CHECK(listen_text(config.blocks.at(0).ready->listen) == "127.0.0.1 1");
    CHECK(listen_text(config.blocks.at(1).ready->listen) == "127.0.0.2 1");
}

TEST_CASE("what health, ready and prometheus refuse") {
    struct Case {
        std::string_view directive;
        std::string_view error;  // without file; the directive begins on line 2
    };
    const Case cases[] = {
        {"health 8080", "2: health needs an address of the form [HOST]:PORT: read '8080'"},
        {"health ::1:8080", "2: health needs an address of the form [HOST]:PORT: read '::1:8080'"},
        {"health :", "2: health needs an address of the form [HOST]:PORT: read ':'"},
        {"health :+1", "2: health needs an address of the form [HOST]:PORT: read ':+1'"},
        {"health :-1", "2: health needs an address of the form [HOST]:PORT: read ':-1'"},
        {"health :65536", "2: health needs an address of the form [HOST]:PORT: read ':65536'"},
        {"health :1 :2", "2: health takes 0 to 1 arguments: read 'health :1 :2'"},
        {"health {\nlameduck\n}", "3: lameduck takes 1 argument: read 'lameduck'"},
        {"health {\nlameduck 5\n}",
         "3: lameduck needs a duration such as 500ms or 1m30s, not negative: read '5'"},
        {"health {\nlame\n}", "3: unknown property of health: read 'lame'; known: lameduck"},
        {"ready x", "2: ready needs an address of the form [HOST]:PORT: read 'x'"},
        {"ready\nready", "3: this plugin can only be used once per Server Block: read 'ready'"},
        {"ready {\nmonitor always\n}",
         "3: wrong value for monitor: read 'always'; known: until-ready, continuously"},
        {"prometheus :dns", "2: prometheus needs an address of the form [HOST]:PORT: read ':dns'"},
        {"prometheus {\nruntime_metrics on\n}",
         "3: runtime_metrics takes no arguments: read 'runtime_metrics on'"},
        {"prometheus {\ntls web.yml\n}",
         "3: option not supported in this version: read 'tls web.yml'"},
        {"prometheus {\nx\n}",
         "3: unknown property of prometheus: read 'x'; known: runtime_metrics, tls"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.directive);
        CHECK(error_in_block(c.directive) == "Corefile:" + std::string(c.error));
    }
    CHECK(error_in_block("health [x]:80")
              .starts_with("Corefile:2: no address for this name of a host: "));
}

TEST_CASE("status: one address of the process, off unless it is written") {
    CHECK(!testing::load("a {\nwhoami\n}").status);
    const Config config = testing::load("a {\nstatus\n}\nb {\nstatus\n}");
    REQUIRE(config.status);
    CHECK(listen_text(config.status->listen) == "127.0.0.1 8182");
    CHECK(config.notices.empty());
    CHECK(config.blocks.at(0).empty);  // it answers no query
    const Config named = testing::load("a {\nstatus localhost:1\n}");
    CHECK(listen_text(named.status->listen) == "127.0.0.1 1");
    CHECK(named.status->host == "localhost");
    const Config open = testing::load("a {\nstatus :1\n}");
    CHECK(listen_text(open.status->listen) == " 1");
    REQUIRE(open.notices.size() == 1);
    CHECK(open.notices.at(0).starts_with("plugin/status: who reaches its address "));
}

TEST_CASE("what status refuses") {
    const auto error = [](std::string_view text) { return testing::error_of(text); };
    CHECK(error_in_block("status 8182") ==
          "Corefile:2: status needs an address of the form [HOST]:PORT: read '8182'");
    CHECK(error_in_block("status :1 :2") ==
          "Corefile:2: status takes 0 to 1 arguments: read 'status :1 :2'");
    CHECK(error_in_block("status\nstatus") ==
          "Corefile:3: this plugin can only be used once per Server Block: read 'status'");
    CHECK(error("a {\nstatus\n}\nb {\nstatus :8182\n}") ==
          "Corefile:5: the process has one status address, and another block names another: "
          "read 'status :8182'");
    CHECK(error("a {\nstatus :9153\n}\nb {\nprometheus\n}") ==
          "Corefile:2: status needs an address of its own; prometheus listens on its port: "
          "read '9153'");
    CHECK(error("a {\nstatus 127.0.0.1:8080\nhealth\n}").find("; health listens") !=
          std::string::npos);
    CHECK(error("a {\nready 127.0.0.2:1\nstatus 127.0.0.2:1\n}").find("; ready listens") !=
          std::string::npos);
    CHECK(testing::load("a {\nready 127.0.0.2:1\nstatus 127.0.0.1:1\n}").status);
    CHECK(testing::load("a {\nready :0\nstatus :0\n}").status);
}

}  // namespace
}  // namespace server
