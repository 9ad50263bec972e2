#include <doctest/doctest.h>

#include "tests/server/config_loading.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;
using testing::error_of;
using Upstreams = std::vector<resolver::Upstream>;

Config config_with(std::string_view directive, const std::filesystem::path& folder = "/nowhere") {
    return testing::load("a {\n" + std::string(directive) + "\n}", folder);
}

Upstreams upstreams(std::string_view to, const std::filesystem::path& folder = "/nowhere") {
    return config_with("forward . " + std::string(to), folder)
        .blocks.at(0)
        .forwards.at(0)
        .options.upstreams;
}

ForwardConfig with_option(std::string_view option) {
    return config_with("forward . 192.0.2.1 {\n" + std::string(option) + "\n}")
        .blocks.at(0)
        .forwards.at(0);
}

/// The error of one option, which stands on line 3.
std::string forward_error_in(std::string_view option) {
    return error_of("a {\nforward . 192.0.2.1 {\n" + std::string(option) + "\n}\n}");
}

TEST_CASE("forward: upstreams") {
    CHECK(upstreams("192.0.2.1") == Upstreams{{"192.0.2.1", 53}});
    CHECK(upstreams("192.0.2.1:5301") == Upstreams{{"192.0.2.1", 5301}});
    CHECK(upstreams("2001:DB8::1") == Upstreams{{"2001:db8::1", 53}});
    CHECK(upstreams("[2001:db8::1]:54") == Upstreams{{"2001:db8::1", 54}});
    CHECK(upstreams("dns://192.0.2.1 dns://[::1]:99") == Upstreams{{"192.0.2.1", 53}, {"::1", 99}});
    CHECK(upstreams("192.0.2.1 192.0.2.1:53 192.0.2.1:54") ==
          Upstreams{{"192.0.2.1", 53}, {"192.0.2.1", 54}});
}

TEST_CASE("forward: the name servers of a file") {
    const ScratchFolder folder;
    const auto file =
        folder.write("resolv.conf", "search x\nnameserver 192.0.2.1\nnameserver ::1\n");
    folder.write("none.conf", "search x\n");
    const Upstreams both{{"192.0.2.1", 53}, {"::1", 53}};
    CHECK(upstreams(file.string()) == both);
    CHECK(upstreams("resolv.conf", folder.path()) == both);
    CHECK(upstreams("192.0.2.1 resolv.conf", folder.path()) == both);
    CHECK(upstreams("none.conf 192.0.2.9", folder.path()) == Upstreams{{"192.0.2.9", 53}});
    CHECK(error_of("a {\nforward . none.conf\n}", folder.path()) ==
          "Corefile:2: no nameservers found: read 'forward . none.conf'");
    CHECK(error_of("a {\nforward . missing.conf\n}", folder.path()) ==
          "Corefile:2: not an IP address or file (" + (folder.path() / "missing.conf").string() +
              ": No such file or directory): read 'missing.conf'");
}

TEST_CASE("forward: what cannot be an upstream") {
    for (const std::string to :
         {"dns.example.org", "dns.example.org:53", "192.0.2.1:dns", "192.0.2.256", "[::1]:99999"}) {
        CAPTURE(to);
        const std::string error = error_of("a {\nforward . " + to + "\n}");
        CHECK(error.starts_with("Corefile:2: not an IP address or file ("));
        CHECK(error.ends_with(": read '" + to + "'"));
    }
    for (const std::string to : {"tls://192.0.2.1", "https://192.0.2.1", "grpc://192.0.2.1"}) {
        CHECK(error_of("a {\nforward . " + to + "\n}") ==
              "Corefile:2: this protocol is not supported in this version: read '" + to +
                  "'; known: dns://");
    }
    CHECK(error_of("a {\nforward .\n}") ==
          "Corefile:2: forward takes 2 or more arguments: read 'forward .'");
    std::string many;
    for (int i = 0; i < 15; ++i) {
        many += " 192.0.2." + std::to_string(i);
    }
    CHECK(error_of("a {\nforward ." + many + "\n}") == "(loads)");
    CHECK(error_of("a {\nforward ." + many + " 192.0.2.0\n}") == "(loads)");
    CHECK(error_of("a {\nforward ." + many + " 192.0.2.99\n}")
              .starts_with("Corefile:2: more than 15 TOs configured: 16 upstreams: read"));
}

TEST_CASE("forward: from and except") {
    const auto from = [](std::string_view text) {
        return config_with("forward " + std::string(text) + " ::1")
            .blocks.at(0)
            .forwards.at(0)
            .from.to_string();
    };
    CHECK(from(".") == ".");
    CHECK(from("Example.Org") == "example.org.");
    CHECK(from("10.0.0.0/8") == "10.in-addr.arpa.");
    const Config config = config_with("forward 10.0.0.0/15 ::1");
    CHECK(config.blocks.at(0).forwards.at(0).from.to_string() == "0.10.in-addr.arpa.");
    CHECK(config.notices ==
          std::vector<std::string>{
              "Corefile:2: forward takes only the first zone of 10.0.0.0/15: 0.10.in-addr.arpa."});
    const auto except = with_option("except a.org B.org\nexcept 10.0.0.0/15").except;
    REQUIRE(except.size() == 4);
    CHECK(except[1].to_string() == "b.org.");
    CHECK(except[3].to_string() == "1.10.in-addr.arpa.");
}

TEST_CASE("forward: options that have an effect") {
    const resolver::ForwardOptions plain = with_option("").options;
    CHECK(plain.policy == resolver::Policy::Random);
    CHECK(plain.read_timeout.count() == 2000);
    CHECK(plain.max_concurrent == 0);
    CHECK(!plain.force_tcp);
    CHECK(!plain.prefer_udp);
    CHECK(with_option("force_tcp").options.force_tcp);
    CHECK(with_option("prefer_udp").options.prefer_udp);
    CHECK(with_option("policy random").options.policy == resolver::Policy::Random);
    CHECK(with_option("policy round_robin").options.policy == resolver::Policy::RoundRobin);
    CHECK(with_option("policy sequential").options.policy == resolver::Policy::Sequential);
    CHECK(with_option("read_timeout 500ms").options.read_timeout.count() == 500);
    CHECK(with_option("read_timeout 1ns").options.read_timeout.count() == 1);
    CHECK(with_option("max_concurrent 1000").options.max_concurrent == 1000);
}

TEST_CASE("forward: health") {
    const resolver::ForwardOptions plain = with_option("").options;
    CHECK(plain.health.max_fails == 2);
    CHECK(plain.health.interval.count() == 500);
    CHECK(plain.health.recursion_desired);
    CHECK(plain.health.domain == std::vector<std::uint8_t>{0});
    CHECK(!plain.failfast);
    CHECK(with_option("max_fails 0").options.health.max_fails == 0);
    CHECK(with_option("failfast_all_unhealthy_upstreams").options.failfast);
    const auto probe = with_option("health_check 5s no_rec domain a.b").options.health;
    CHECK(probe.interval.count() == 5000);
    CHECK(!probe.recursion_desired);
    CHECK(probe.domain == std::vector<std::uint8_t>{1, 'a', 1, 'b', 0});
}

TEST_CASE("forward: which upstream, how often, from where") {
    const ForwardConfig plain = with_option("");
    CHECK(plain.next == 0);
    CHECK(!plain.next_on_nodata);
    CHECK(plain.options.failover == 0);
    CHECK(!plain.options.max_connect_attempts);
    CHECK(plain.options.max_age.count() == 0);
    CHECK(plain.options.source_address.empty());
    CHECK(!plain.options.reread);
    CHECK(with_option("next NXDOMAIN servfail\nnext NOERROR").next == (1U << 3 | 1U << 2 | 1U));
    CHECK(with_option("next_on_nodata").next_on_nodata);
    CHECK(with_option("failover SERVFAIL refused NOTIMP NOTIMPL BADCOOKIE").options.failover ==
          (1U << 2 | 1U << 5 | 1U << 4 | 1U << 23));
    CHECK(with_option("max_connect_attempts 0").options.max_connect_attempts == 0);
    CHECK(with_option("max_connect_attempts 4294967295").options.max_connect_attempts ==
          4294967295);
    CHECK(with_option("max_age 1h").options.max_age.count() == 3'600'000);
    CHECK(with_option("source_address 2001:DB8::7").options.source_address == "2001:db8::7");
}

TEST_CASE("forward: all options are active, but for those that are refused") {
    for (const std::string option :
         {"expire 10s", "expire 0", "max_age 1h", "max_age 0", "max_idle_conns 0", "max_fails 3",
          "max_connect_attempts 4", "health_check 5s", "next NXDOMAIN", "next_on_nodata",
          "failfast_all_unhealthy_upstreams", "failover SERVFAIL", "source_address 192.0.2.7"}) {
        CAPTURE(option);
        CHECK(config_with("forward . ::1 {\n" + option + "\n}").notices.empty());
    }
    for (const std::string option : {"tls", "tls ca.pem", "tls_servername dns.example.org",
                                     "doh_method GET", "resolver 192.0.2.1"}) {
        CHECK(forward_error_in(option) ==
              "Corefile:3: option not supported in this version: read '" + option + "'");
    }
}

TEST_CASE("forward: a file of name servers is read again when it changes") {
    const ScratchFolder folder;
    folder.write("resolv.conf", "nameserver 192.0.2.1\n");
    const auto config = config_with("forward . 192.0.2.9 resolv.conf", folder.path());
    auto reread = config.blocks.at(0).forwards.at(0).options.reread;
    REQUIRE(reread);
    CHECK(!reread());
    folder.write("resolv.conf", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
    CHECK(reread() == Upstreams{{"192.0.2.9", 53}, {"192.0.2.1", 53}, {"192.0.2.2", 53}});
    CHECK(!reread());
    auto other_worker = config.blocks.at(0).forwards.at(0).options.reread;
    CHECK(other_worker());
    std::filesystem::remove(folder.path() / "resolv.conf");
    CHECK(!reread());
    folder.write("resolv.conf", "# nobody, for the moment\n");
    CHECK(!reread());
    // A comment changes nothing; what a rename puts there is read.
    folder.write("resolv.conf", "# both\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n");
    CHECK(!reread());
    folder.write("new.conf", "nameserver 192.0.2.3\n");
    std::filesystem::rename(folder.path() / "new.conf", folder.path() / "resolv.conf");
    CHECK(reread() == Upstreams{{"192.0.2.9", 53}, {"192.0.2.3", 53}});
}

TEST_CASE("forward: wrong options") {
    struct Case {
        std::string_view option;
        std::string_view error;
    };
    const Case cases[] = {
        {"except", "except takes 1 or more arguments: read 'except'"},
        {"except a..b", "not a domain name: read 'a..b'"},
        {"force_tcp yes", "force_tcp takes no arguments: read 'force_tcp yes'"},
        {"prefer_udp yes", "prefer_udp takes no arguments: read 'prefer_udp yes'"},
        {"policy", "policy takes 1 argument: read 'policy'"},
        {"policy best",
         "wrong value for policy: read 'best'; known: random, round_robin, "
         "sequential"},
        {"read_timeout 0", "read_timeout must be more than 0: read '0'"},
        {"read_timeout 2",
         "read_timeout needs a duration such as 500ms or 1m30s, not negative: read '2'"},
        {"expire -1s", "expire needs a duration such as 500ms or 1m30s, not negative: read '-1s'"},
        {"max_concurrent -1",
         "max_concurrent needs a whole number from 0 to 9223372036854775807: read '-1'"},
        {"max_fails 4294967296",
         "max_fails needs a whole number from 0 to 4294967295: read '4294967296'"},
        {"max_idle_conns x", "max_idle_conns needs a whole number from 0 to 4294967295: read 'x'"},
        {"health_check", "health_check takes 1 or more arguments: read 'health_check'"},
        {"health_check 1s often",
         "unknown option of health_check: read 'often'; known: no_rec, domain FQDN"},
        {"health_check 1s domain",
         "unknown option of health_check: read 'domain'; known: no_rec, domain FQDN"},
        {"health_check 1s domain a..b", "not a domain name: read 'a..b'"},
        {"next_on_nodata x", "next_on_nodata takes no arguments: read 'next_on_nodata x'"},
        {"next", "next takes 1 or more arguments: read 'next'"},
        {"failover NOERROR", "failover cannot be on NOERROR: read 'NOERROR'"},
        {"source_address eth0", "source_address needs an IP address: read 'eth0'"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.option);
        CHECK(forward_error_in(c.option) == "Corefile:3: " + std::string(c.error));
    }
    CHECK(forward_error_in("next OOPS")
              .starts_with("Corefile:3: wrong value for next: read 'OOPS'; known"));
    CHECK(forward_error_in("max_age 9s") ==
          "Corefile:2: max_age must be 0 or at least expire: read 'forward . 192.0.2.1'");
    CHECK(forward_error_in("max_age 9s\nexpire 9s") == "(loads)");
    CHECK(forward_error_in("upstream x")
              .starts_with("Corefile:3: unknown property of forward: read 'upstream'; known: "
                           "doh_method, except, expire,"));
}

}  // namespace
}  // namespace server
