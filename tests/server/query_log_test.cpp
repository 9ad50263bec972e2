#include "server/query_log.h"

#include <arpa/inet.h>
#include <regex>

#include <doctest/doctest.h>

#include "tests/server/printed_log.h"
#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

using namespace server::testing;
using server::Client;
using server::LogConfig;
using server::LogFormat;

namespace {

Client client_from(const char* address, std::uint16_t port, bool tcp = false) {
    Client client;
    client.tcp = tcp;
    client.peer.v6 = {};
    if (inet_pton(AF_INET6, address, &client.peer.v6.sin6_addr) == 1) {
        client.peer.v6.sin6_family = AF_INET6;
        client.peer.v6.sin6_port = htons(port);
        return client;
    }
    client.peer.v4.sin_family = AF_INET;
    client.peer.v4.sin_port = htons(port);
    inet_pton(AF_INET, address, &client.peer.v4.sin_addr);
    return client;
}

server::ServerBlock logging_block(const std::vector<LogConfig>& logs, bool errors = false) {
    auto made = cluster_block({"cluster.local"}, support::closed_port());
    made.logs = logs;
    if (errors) {
        made.errors.emplace();
    }
    return made;
}

/// What a pipeline with that block prints for these questions.
std::string printed_queries(const server::ServerBlock& one, const std::vector<Asked>& questions,
                            const Client& client = client_from("192.0.2.7", 40000)) {
    PrintedLog log;
    {
        Rig rig({one}, {}, &log.sink());
        rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
        std::size_t waiting = 0;
        for (const Asked& asked : questions) {
            waiting += rig.handle(make_query(asked), client).waits ? 1 : 0;
        }
        rig.run_until([&] { return rig.late().size() == waiting; });
        rig.pipeline().end_batch();
    }
    return log.text();
}

const Asked kSuccess{.name = "Web.prod.svc.cluster.local", .id = 4711};
const Asked kNoSuchName{.name = "no.prod.svc.cluster.local"};
const Asked kNoData{.name = "web.prod.svc.cluster.local", .type = 28};
const Asked kFailure{.name = "example.org"};
const LogConfig kLogAll{{name(".")}, true, true, true, LogFormat()};

}  // namespace

TEST_CASE("after `rewrite` the line has the name that was asked, at once and late") {
    auto made = logging_block({kLogAll});
    server::RewriteConfig rule;
    rule.from = "alias.test";
    rule.to = "web.prod.svc.cluster.local";
    made.rewrites.push_back(rule);
    rule.from = "far.test";
    rule.to = "example.org";
    made.rewrites.push_back(rule);
    const std::string text = printed_queries(made, {{.name = "Alias.test"}, {.name = "far.test"}});
    CHECK(lines_of(text) == 2);
    CHECK(text.find("\"A IN alias.test. udp 28 false 512\" NOERROR") != std::string::npos);
    CHECK(text.find("\"A IN far.test. udp 26 false 512\" SERVFAIL") != std::string::npos);
    CHECK(text.find("cluster.local") == std::string::npos);
    CHECK(text.find("example.org") == std::string::npos);
}

TEST_CASE("the common format") {
    CHECK(std::regex_match(
        printed_queries(logging_block({kLogAll}), {kSuccess}),
        std::regex(
            "\\[INFO\\] 192\\.0\\.2\\.7:40000 - 4711 \"A IN web\\.prod\\.svc\\.cluster\\.local\\. "
            "udp 44 false 512\" NOERROR qr,aa,rd,ra 60 [0-9]+\\.[0-9]{9}s\n")));
    const Asked denied{.name = "no.prod.svc.cluster.local",
                       .type = 65,
                       .id = 1,
                       .edns = true,
                       .udp_size = 4096,
                       .dnssec_ok = true,
                       .flags2 = 0,
                       .flags3 = 0x10};
    CHECK(std::regex_match(
        printed_queries(logging_block({kLogAll}), {denied}, client_from("2001:db8::7", 53)),
        std::regex(
            "\\[INFO\\] \\[2001:db8::7\\]:53 - 1 \"HTTPS IN no\\.prod\\.svc\\.cluster\\.local\\. "
            "udp 54 true 4096\" NXDOMAIN qr,aa,ra,cd [0-9]+ [0-9.]+s\n")));
    CHECK(printed_queries(logging_block({kLogAll}), {kSuccess}, client_from("192.0.2.7", 1, true))
              .find(" tcp 44 false 65535\"") != std::string::npos);
}

TEST_CASE("classes: success, denial, error") {
    const std::vector<Asked> questions{kSuccess, kNoSuchName, kNoData, kFailure};
    const auto lines = [&](bool success, bool denial, bool error) {
        return printed_queries(logging_block({{{name(".")}, success, denial, error, LogFormat()}}),
                               questions);
    };
    CHECK(lines_of(lines(true, true, true)) == 4);
    const std::string success = lines(true, false, false);
    CHECK(lines_of(success) == 1);
    CHECK(success.find("NOERROR") != std::string::npos);
    const std::string denial = lines(false, true, false);
    CHECK(lines_of(denial) == 2);
    CHECK(denial.find("NXDOMAIN") != std::string::npos);
    CHECK(denial.find("\"AAAA IN web") != std::string::npos);
    const std::string error = lines(false, false, true);
    CHECK(lines_of(error) == 1);
    CHECK(error.find("SERVFAIL") != std::string::npos);
    CHECK(lines_of(lines(false, false, false)) == 0);
}

TEST_CASE("names: only what is at or below them; the first log that covers a name decides") {
    const LogConfig some{{name("prod.svc.cluster.local")}, true, true, true, LogFormat()};
    CHECK(lines_of(printed_queries(logging_block({some}), {kSuccess, kFailure})) == 1);
    const LogConfig quiet{{name("PROD.svc.cluster.local")}, false, false, false, LogFormat()};
    CHECK(lines_of(printed_queries(logging_block({quiet, kLogAll}), {kSuccess, kFailure})) == 1);
    CHECK(lines_of(printed_queries(logging_block({kLogAll, quiet}), {kSuccess, kFailure})) == 2);
    CHECK(lines_of(printed_queries(logging_block({}), {kSuccess, kFailure})) == 0);
}

TEST_CASE("a block without log is silent, and so are queries that no block has") {
    auto one = logging_block({kLogAll});
    one.keys = {{name("cluster.local"), {kLoopback}}};
    CHECK(printed_queries(one, {kFailure}).empty());
    CHECK(printed_queries(one, {{.name = "cluster.local", .type = 252}}).empty());
}

TEST_CASE("errors: a line for what failed, with rcode, name and why") {
    const std::string text =
        printed_queries(logging_block({}, true), {kSuccess, kNoSuchName, kFailure});
    CHECK(text == "[ERROR] plugin/errors: 2 example.org. A: no upstream could be reached\n");
    CHECK(printed_queries(logging_block({}, false), {kFailure}).empty());

    auto nowhere = cluster_block({"cluster.local"});
    nowhere.errors.emplace();
    CHECK(printed_queries(nowhere, {{.name = "example.org", .type = 4711}}) ==
          "[ERROR] plugin/errors: 2 example.org. TYPE4711: no next plugin found\n");
}

TEST_CASE("errors: a flood of them is summed up") {
    PrintedLog log;
    constexpr std::size_t kMany = 1000;
    {
        Rig rig({logging_block({}, true)}, {}, &log.sink());
        for (std::size_t i = 0; i < kMany; ++i) {
            rig.handle(make_query({.name = "n" + std::to_string(i) + ".example.org"}));
        }
        REQUIRE(rig.run_until([&] { return rig.late().size() == kMany; }));
        rig.advance(std::chrono::seconds(2));
        rig.pipeline().tick(rig.now());
    }
    const std::string text = log.text();
    CHECK(lines_of(text) < 50);
    CHECK(text.find(" more errors like 'no upstream could be reached' (SERVFAIL) occurred in ") !=
          std::string::npos);
}

TEST_CASE("errors: the rules of consolidate") {
    auto made = logging_block({}, true);
    made.errors->rules = {{std::chrono::hours(1), "reached$", server::LogLevel::Warning, true}};
    CHECK(printed_queries(made, {kFailure, kFailure, kFailure}) ==
          "[WARNING] plugin/errors: 2 example.org. A: no upstream could be reached\n"
          "[WARNING] plugin/errors: 3 errors like 'reached$' occurred in last 1h0m0s\n");
}

TEST_CASE("each log has its own format; JSON has all fields") {
    const LogConfig other{
        {name("svc.cluster.local")}, true, true, true, LogFormat("{local} {name}")};
    CHECK(printed_queries(logging_block({other, kLogAll}), {kSuccess}) ==
          "[INFO] 127.0.0.1 web.prod.svc.cluster.local.\n");
    PrintedLog log(server::LogStyle::Json);
    {
        Rig rig({logging_block({other})}, {}, &log.sink());
        rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
        rig.handle(make_query(kSuccess), client_from("192.0.2.7", 40000));
    }
    CHECK(log.text().find(",\"msg\":\"query\",\"remote\":\"192.0.2.7\",\"port\":40000,") !=
          std::string::npos);
}

TEST_CASE("errors: the limit of forward is named") {
    auto one = logging_block({}, true);
    support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    one.forwards = {forward(".", silent)};
    one.forwards.front().options.max_concurrent = 1;
    const std::string text =
        printed_queries(one, {{.name = "a.example.org"}, {.name = "b.example.org"}});
    CHECK(text.find("5 b.example.org. A: concurrent queries exceeded maximum 1\n") !=
          std::string::npos);
    CHECK(text.find("2 a.example.org. A: read udp from the upstreams asked: i/o timeout\n") !=
          std::string::npos);
}

TEST_CASE("a name cannot break a line") {
    const std::string text =
        printed_queries(logging_block({kLogAll}, true), {{.name = "a\\010\\034\\032b.test"}});
    CHECK(lines_of(text) == 2);
    CHECK(text.find("\n[INFO] ") != std::string::npos);
}

TEST_CASE("lines are handed over at the end of a batch, or before they grow without bounds") {
    // No room for more than a few lines: what is handed over is lost, and counted.
    server::LogSink full(server::LogStyle::Text, -1,
                         {.most = 1, .last_words = std::chrono::milliseconds(0)});
    Rig rig({logging_block({kLogAll})}, {}, &full);
    rig.apply({cluster_ip("prod", "web", "10.0.0.1")});
    const Client client = client_from("192.0.2.7", 40000);
    rig.handle(make_query(kSuccess), client);
    CHECK(full.lost() == 0);
    rig.pipeline().end_batch();
    CHECK(full.lost() >= 1);
    for (int i = 0; i < 2000; ++i) {
        rig.handle(make_query(kSuccess), client);
    }
    CHECK(full.lost() > 500);
    rig.stop();
    CHECK(full.lost() >= 2001);
}
