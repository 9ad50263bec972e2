// The Corefile lines of plugins with few options: what they become, and what is refused.
#include <doctest/doctest.h>

#include "server/config_plugins.h"
#include "server/version.h"
#include "tests/server/refused_directives.h"

namespace server {
namespace {

using testing::block_with;
using testing::check_errors_of;
using testing::error_in_block;
using testing::RefusedDirective;
using testing::Texts;

TEST_CASE("ede") {
    CHECK(block_with("errors").extended_errors);
    CHECK(block_with("ede on").extended_errors);
    CHECK_FALSE(block_with("ede off").extended_errors);
    CHECK(block_with("ede off").empty);
    for (const char* wrong : {"ede", "ede maybe", "ede on off", "ede on {\n}", "ede on\nede off"}) {
        CAPTURE(wrong);
        CHECK(error_in_block(wrong).starts_with("Corefile:"));
    }
    CHECK(error_in_block("ede maybe") ==
          "Corefile:2: wrong value for ede: read 'maybe'; known: on, off");
}

TEST_CASE("any, minimal, whoami") {
    CHECK(block_with("any").fixed.value().any);
    CHECK(block_with("minimal").shape.value().minimal);
    CHECK(block_with("whoami").whoami);
    const ServerBlock none = block_with("errors");
    CHECK((!none.fixed && !none.shape && !none.whoami && !none.timeouts));
    const RefusedDirective cases[] = {
        {"any x", "2: any takes no arguments: read 'any x'"},
        {"minimal x", "2: minimal takes no arguments: read 'minimal x'"},
        {"whoami x", "2: whoami takes no arguments: read 'whoami x'"},
    };
    check_errors_of(cases);
    CHECK(error_in_block("any {\nx\n}").starts_with("Corefile:"));
}

TEST_CASE("chaos") {
    const auto chaos = [](const std::string& line) {
        return block_with(line).fixed.value().chaos.value();
    };
    CHECK(chaos("chaos").version == "Keryx-" + std::string(kVersion));
    CHECK(chaos("chaos").authors.size() == 1);
    CHECK(chaos("chaos").host == host_name());
    CHECK(chaos("chaos Herald-1").version == "Herald-1");
    CHECK(chaos("chaos Herald-1").authors == chaos("chaos").authors);
    CHECK(chaos("chaos Herald-1 bob ann bob").authors == Texts{"ann", "bob"});
    CHECK(chaos("chaos " + std::string(300, 'v')).version == std::string(255, 'v'));
    CHECK(chaos("chaos v " + std::string(300, 'a')).authors == Texts{std::string(255, 'a')});
    CHECK(chaos("chaos one\nchaos two").version == "one");
}

TEST_CASE("local") {
    const auto prefix = [](const std::string& line) {
        return block_with(line).fixed.value().local.value().localhost_prefix;
    };
    CHECK(prefix("local"));
    CHECK(prefix("local {\nlocalhost_prefix on\n}"));
    CHECK_FALSE(prefix("local {\nlocalhost_prefix off\n}"));
    const RefusedDirective cases[] = {
        {"local x", "2: local takes no arguments: read 'local x'"},
        {"local {\nlocalhost_prefix maybe\n}",
         "3: wrong value for localhost_prefix: read 'maybe'; known: on, off"},
        {"local {\nx\n}", "3: unknown property of local: read 'x'; known: localhost_prefix"},
    };
    check_errors_of(cases);
}

TEST_CASE("bufsize") {
    const auto size = [](const std::string& line) {
        return block_with(line).shape.value().udp_size;
    };
    CHECK(size("bufsize") == 1232);
    CHECK(size("bufsize 512") == 512);
    CHECK(size("bufsize 4096") == 4096);
    CHECK(size("bufsize 600\nbufsize 700") == 600);
    CHECK(size("minimal") == 1232);
    for (const char* wrong : {"bufsize 511", "bufsize 4097", "bufsize x", "bufsize -1",
                              "bufsize 512 512", "bufsize {\nx\n}"}) {
        CAPTURE(wrong);
        CHECK(error_in_block(wrong).starts_with("Corefile:2: "));
    }
}

TEST_CASE("header") {
    constexpr std::uint8_t kAa = 0x04, kRd = 0x01, kRa = 0x80;
    const auto shape = [](const std::string& rules) {
        return block_with("header {\n" + rules + "\n}").shape.value();
    };
    CHECK(shape("response set aa rd").response.apply(0, 0) == (kAa | kRd));
    CHECK(shape("set ra").response.apply(1, 0) == kRa);
    CHECK(shape("Clear RA").response.apply(1, kRa | 1) == 1);
    CHECK(shape("response set aa\nresponse clear aa").response.apply(0, kAa | 1) == 1);
    CHECK(shape("response clear aa\nset aa").response.apply(0, 0) == kAa);
    CHECK(shape("query clear rd").query.apply(0, kRd) == 0);
    CHECK(shape("query clear rd").response.apply(0, kRd) == kRd);
    const RefusedDirective cases[] = {
        {"header", "2: header needs a block of rules: read 'header'"},
        {"header {\n}", "2: header needs a block of rules: read 'header'"},
        {"header x {\nset aa\n}", "2: header takes no arguments: read 'header x'"},
        {"header {\nresponse\n}",
         "3: header needs an action and flags: read 'response'; known: "
         "[query|response] set|clear FLAGS..."},
        {"header {\nset\n}",
         "3: header needs an action and flags: read 'set'; known: "
         "[query|response] set|clear FLAGS..."},
        {"header {\nresponse add aa\n}",
         "3: wrong value for response: read 'add'; known: set, clear"},
        {"header {\nset ad\n}", "3: wrong value for set: read 'ad'; known: aa, ra, rd"},
        {"header {\nreply set aa\n}",
         "3: wrong value for reply: read 'reply'; known: query, response, set, clear"},
    };
    check_errors_of(cases);
}

TEST_CASE("nsid") {
    const auto id = [](const std::string& line) {
        return block_with(line).shape.value().server_id;
    };
    CHECK(id("nsid") == host_name());
    CHECK(id("nsid ns-7") == "ns-7");
    CHECK(id("nsid Use The Force") == "Use The Force");
    CHECK(error_in_block("nsid " + std::string(257, 'x')).starts_with("Corefile:2: nsid may have"));
    CHECK(error_in_block("nsid a\nnsid b") ==
          "Corefile:3: this plugin can only be used once per Server Block: read 'nsid'");
}

TEST_CASE("timeouts") {
    using namespace std::chrono_literals;
    const TimeoutsConfig all =
        block_with("timeouts {\nread 2s\nwrite 1m\nidle 1h30m\nmaxtcpqueries 128\n}")
            .timeouts.value();
    CHECK(all.read == 2s);
    CHECK(all.write == 60s);
    CHECK(all.idle == 90min);
    CHECK(all.queries == 128);
    const TimeoutsConfig one = block_with("timeouts {\nmaxtcpqueries -1\n}").timeouts.value();
    CHECK((!one.read && !one.write && !one.idle && one.queries == SIZE_MAX));
    CHECK(block_with("timeouts {\nidle 1s\n}").timeouts.value().queries == 0);
    for (const char* wrong :
         {"timeouts {\nread 999ms\n}", "timeouts {\nidle 25h\n}", "timeouts {\nread\n}",
          "timeouts {\nwrite x\n}", "timeouts {\nmaxtcpqueries 0\n}",
          "timeouts {\nmaxtcpqueries -2\n}", "timeouts {\nmax 1\n}"}) {
        CAPTURE(wrong);
        CHECK(error_in_block(wrong).starts_with("Corefile:3: "));
    }
    CHECK(error_in_block("timeouts 3s").starts_with("Corefile:2: timeouts takes no"));
    CHECK(error_in_block("timeouts {\n}") ==
          "Corefile:2: timeouts needs a block with at least one option: read 'timeouts'");
}

TEST_CASE("plugins without effect are read, and named once") {
    const Config config = testing::load(
        "a {\ncancel 1s\ndebug\nmetadata a b\npprof :6060 {\nblock 2\n}\n}\n"
        "b {\ncancel\ndebug\nmetadata\npprof\n}");
    CHECK(config.notices ==
          Texts{"accepted, and without effect here: cancel, debug, metadata, pprof"});
    for (const char* wrong : {"cancel x", "cancel -1s", "cancel 0", "cancel 1s 2s", "debug x",
                              "debug {\nx\n}", "metadata {\nx\n}", "pprof 1 2", "pprof localhost",
                              "pprof {\nx\n}", "pprof {\nblock x\n}"}) {
        CAPTURE(wrong);
        CHECK(error_in_block(wrong).starts_with("Corefile:"));
    }
}

TEST_CASE("a block refuses every query unless a plugin sees queries") {
    for (const char* line : {"any", "bufsize", "cancel", "chaos", "header {\nset aa\n}", "local",
                             "metadata", "minimal", "nsid", "whoami"}) {
        CAPTURE(line);
        CHECK_FALSE(block_with(line).empty);
    }
    for (const char* line : {"debug", "pprof", "timeouts {\nread 1s\n}"}) {
        CAPTURE(line);
        CHECK(block_with(line).empty);
    }
}

}  // namespace
}  // namespace server
