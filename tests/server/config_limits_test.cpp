// The Corefile lines of `ratelimit` and `rrl`: what they become, and what is refused.
#include <doctest/doctest.h>

#include "server/settings.h"
#include "tests/server/refused_directives.h"

namespace server {
namespace {

using testing::block_with;
using testing::check_errors_of;
using testing::error_in_block;
using testing::RefusedDirective;
using namespace std::chrono_literals;
using Over = RateLimitConfig::Over;

RateLimitConfig ratelimit(const std::string& options) {
    return block_with("ratelimit 100 {\n" + options + "\n}").rate_limit.value();
}

ResponseLimitConfig rrl(const std::string& options) {
    return block_with("rrl {\n" + options + "\n}").response_limit.value();
}

TEST_CASE("without ratelimit and rrl nothing is limited") {
    const ServerBlock block = block_with("whoami");
    CHECK_FALSE(block.rate_limit);
    CHECK_FALSE(block.response_limit);
}

TEST_CASE("ratelimit: a number is enough") {
    const ServerBlock block = block_with("ratelimit 50");
    const RateLimitConfig config = block.rate_limit.value();
    CHECK(config.queries.per_second == 50);
    CHECK(config.queries.burst == 50);
    CHECK_FALSE(config.forwards);
    CHECK(config.exempt.empty());
    CHECK(config.clients == 65'536);
    CHECK(config.over == Over::Truncate);
    CHECK_FALSE(block.empty);
}

TEST_CASE("ratelimit: its options") {
    CHECK(ratelimit("burst 500").queries.burst == 500);
    CHECK(ratelimit("forwards 20").forwards->per_second == 20);
    CHECK(ratelimit("forwards 20").forwards->burst == 20);
    CHECK(ratelimit("forwards 20 60").forwards->burst == 60);
    CHECK(ratelimit("table 1000").clients == 1000);
    CHECK(ratelimit("over refuse").over == Over::Refuse);
    CHECK(ratelimit("over drop").over == Over::Drop);
    const auto exempt =
        ratelimit("whitelist 127.0.0.1 192.168.1.25\nexempt 10.0.0.0/8 fd00::/8").exempt;
    REQUIRE(exempt.size() == 4);
    CHECK(exempt[0] == Net{zones::parse_address("127.0.0.1").value(), 32});
    CHECK(exempt[2].bits == 8);
    CHECK(exempt[3] == Net{zones::parse_address("fd00::").value(), 8});
}

TEST_CASE("ratelimit: what is refused") {
    const RefusedDirective cases[] = {
        {"ratelimit", "2: ratelimit takes 1 argument: read 'ratelimit'"},
        {"ratelimit 1 2", "2: ratelimit takes 1 argument: read 'ratelimit 1 2'"},
        {"ratelimit 0", "2: ratelimit needs a whole number from 1 to 1000000: read '0'"},
        {"ratelimit x", "2: ratelimit needs a whole number from 1 to 1000000: read 'x'"},
        {"ratelimit 10\nratelimit 20",
         "3: this plugin can only be used once per Server Block: read 'ratelimit'"},
        {"ratelimit 10 {\nburst\n}", "3: burst takes 1 argument: read 'burst'"},
        {"ratelimit 10 {\nburst 0\n}", "3: burst needs a whole number from 1 to 36000: read '0'"},
        {"ratelimit 10 {\nburst 36001\n}",
         "3: burst needs a whole number from 1 to 36000: read '36001'"},
        {"ratelimit 10 {\nforwards 11\n}",
         "3: forwards cannot be more than the queries that ratelimit allows: read '11'"},
        {"ratelimit 10 {\nforwards 5 0\n}",
         "3: forwards needs a whole number from 1 to 18000: read '0'"},
        {"ratelimit 10 {\nforwards 1 2 3\n}",
         "3: forwards takes 1 to 2 arguments: read 'forwards 1 2 3'"},
        {"ratelimit 10 {\nexempt\n}", "3: exempt takes 1 or more arguments: read 'exempt'"},
        {"ratelimit 10 {\nexempt 10.0.0.0/33\n}",
         "3: not a network of exempt: read '10.0.0.0/33'; known: ADDRESS, ADDRESS/BITS"},
        {"ratelimit 10 {\nwhitelist pods\n}",
         "3: not a network of whitelist: read 'pods'; known: ADDRESS, ADDRESS/BITS"},
        {"ratelimit 10 {\ntable 7\n}",
         "3: table needs a whole number from 8 to 16777216: read '7'"},
        {"ratelimit 10 {\nover reject\n}",
         "3: wrong value for over: read 'reject'; known: truncate, refuse, drop"},
        {"ratelimit 10 {\nx\n}",
         "3: unknown property of ratelimit: read 'x'; known: burst, exempt, forwards, over, table, "
         "whitelist"},
    };
    check_errors_of(cases);
}

TEST_CASE("rrl: what is left out is as with responses-per-second") {
    const ResponseLimitConfig config = rrl("responses-per-second 10\nerrors-per-second 0");
    CHECK(config.zones.empty());
    CHECK(config.window == 15s);
    CHECK(config.v4_bits == 24);
    CHECK(config.v6_bits == 56);
    CHECK(config.replies == std::array<double, kReplyKinds>{10, 10, 10, 10, 0});
    CHECK(config.requests == 0);
    CHECK(config.slip == 0);
    CHECK(config.accounts == 100'000);
    CHECK_FALSE(config.report_only);
}

TEST_CASE("rrl: its options") {
    const ResponseLimitConfig config =
        rrl("window 2.5\nipv4-prefix-length 32\nipv6-prefix-length 64\nresponses-per-second 10\n"
            "nodata-per-second 9\nnxdomains-per-second 8.5\nreferrals-per-second 7\n"
            "errors-per-second 0.5\nrequests-per-second 1000\nslip-ratio 2\nmax-table-size 4096\n"
            "report-only");
    CHECK(config.window == 2500ms);
    CHECK(config.v4_bits == 32);
    CHECK(config.v6_bits == 64);
    CHECK(config.replies == std::array<double, kReplyKinds>{10, 9, 8.5, 7, 0.5});
    CHECK(config.requests == 1000);
    CHECK(config.slip == 2);
    CHECK(config.accounts == 4096);
    CHECK(config.report_only);
    const auto zoned = block_with("rrl cluster.local example.org {\nrequests-per-second 1\n}");
    CHECK(zoned.response_limit->zones.size() == 2);
}

TEST_CASE("rrl: what is refused") {
    const std::string nothing =
        ": rrl limits nothing without a number per second, as of responses-per-second: read 'rrl'";
    CHECK(error_in_block("rrl") == "Corefile:2" + nothing);
    CHECK(error_in_block("rrl {\nresponses-per-second 0\n}") == "Corefile:2" + nothing);
    const RefusedDirective cases[] = {
        {"rrl a..b {\nwindow 1\n}", "2: not a domain name: read 'a..b'"},
        {"rrl {\nwindow 0\n}", "3: window needs a number above 0, up to 3600: read '0'"},
        {"rrl {\nwindow 15s\n}", "3: window needs a number above 0, up to 3600: read '15s'"},
        {"rrl {\nwindow 3601\n}", "3: window needs a number above 0, up to 3600: read '3601'"},
        {"rrl {\nresponses-per-second -1\n}",
         "3: responses-per-second needs a number from 0 up to 1000000: read '-1'"},
        {"rrl {\nresponses-per-second nan\n}",
         "3: responses-per-second needs a number from 0 up to 1000000: read 'nan'"},
        {"rrl {\nnodata-per-second 1e3\n}",
         "3: nodata-per-second needs a number from 0 up to 1000000: read '1e3'"},
        {"rrl {\nerrors-per-second\n}",
         "3: errors-per-second takes 1 argument: read 'errors-per-second'"},
        {"rrl {\nipv4-prefix-length 33\n}",
         "3: ipv4-prefix-length needs a whole number from 1 to 32: read '33'"},
        {"rrl {\nipv6-prefix-length 0\n}",
         "3: ipv6-prefix-length needs a whole number from 1 to 128: read '0'"},
        {"rrl {\nslip-ratio -1\n}",
         "3: slip-ratio needs a whole number from 0 to 1000000: read '-1'"},
        {"rrl {\nmax-table-size 0\n}",
         "3: max-table-size needs a whole number from 8 to 16777216: read '0'"},
        {"rrl {\nreport-only yes\n}", "3: report-only takes no arguments: read 'report-only yes'"},
    };
    check_errors_of(cases);
    CHECK(error_in_block("rrl {\nx\n}")
              .starts_with("Corefile:3: unknown property of rrl: read 'x'; "
                           "known: errors-per-second, "));
}

TEST_CASE("both are among the settings that keryx check shows") {
    const auto settings = settings_of(block_with(
        "ratelimit 100 {\nforwards 20\nover drop\nexempt 10.0.0.1\n}\n"
        "rrl {\nresponses-per-second 10\nrequests-per-second 0.5\nslip-ratio 2\nreport-only\n}"));
    REQUIRE(settings.size() == 2);
    CHECK(settings[0] ==
          "plugin/ratelimit: queries of a client 100 a second, 100 at once, of those to upstreams "
          "20 a second, 20 at once, more is dropped, 1 network exempt");
    CHECK(settings[1] ==
          "plugin/rrl: for every name, answers 10 a second, nodata 10 a second, nxdomain 10 a "
          "second, referrals 10 a second, errors 10 a second, requests 0.5 a second, to an IPv4 "
          "/24 or IPv6 /56, one of 2 is truncated instead, only counted");
}

}  // namespace
}  // namespace server
