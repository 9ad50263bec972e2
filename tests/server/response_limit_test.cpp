#include "server/response_limit.h"

#include <doctest/doctest.h>

#include "tests/server/corefile_rig.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using testing::client_at;
using testing::kVictim;
using Octets = testing::Octets;

const ResponseLimit::Clock::time_point kFirstReply{1h};
constexpr std::uint32_t kNoSlip = 1;

ResponseLimitConfig reply_rate_config(double per_second) {
    ResponseLimitConfig made;
    made.replies.fill(per_second);
    return made;
}

/// A query and the reply to it, which has records of these types, owned by `owner`.
struct Exchange {
    Exchange(const std::string& qname, std::uint16_t qtype, zones::Rcode rcode,
             std::uint16_t answers = 0, std::uint16_t authority = 0,
             const std::string& owner = "example.org")
        : message(testing::make_query({.name = qname, .type = qtype})) {
        zones::parse_query(message, query);
        reply = message;
        reply[2] |= zones::header::kQr;
        reply[3] = static_cast<std::uint8_t>(rcode);
        for (std::uint16_t i = 0; i < answers; ++i) {
            add(query.qname, 1);
        }
        zones::write_u16(&reply[6], answers);
        if (authority != 0) {
            add(zones::Name::parse(owner)->wire(), authority);
            zones::write_u16(&reply[8], 1);
        }
    }
    void add(zones::NameView owner, std::uint16_t type) {
        reply.insert(reply.end(), owner.begin(), owner.end());
        const Octets rest{0, static_cast<std::uint8_t>(type), 0, 1, 0, 0, 0, 5, 0, 0};
        reply.insert(reply.end(), rest.begin(), rest.end());
    }

    Octets message, reply;
    zones::Query query;
};

/// How many of `times` such replies pass at that moment.
int passed_of(ResponseLimit& limit, const Exchange& exchange, const char* client, int times,
              ResponseLimit::Clock::time_point at = kFirstReply) {
    int passed = 0;
    for (int i = 0; i < times; ++i) {
        const auto decision =
            limit.response(exchange.query, exchange.reply, client_at(client), at, kNoSlip);
        passed += decision.verdict == ResponseLimit::Verdict::Pass ? 1 : 0;
    }
    return passed;
}

using zones::Rcode;
using zones::qtype::kNs;
using zones::qtype::kSoa;

TEST_CASE("replies are told apart by what they say") {
    const auto kind = [](const Exchange& exchange) { return kind_of(exchange.reply); };
    CHECK(kind({"a.test", 1, Rcode::NoError, 1}) == ReplyKind::Answer);
    CHECK(kind({"a.test", 1, Rcode::NxDomain, 1, kSoa}) == ReplyKind::Answer);  // a chain's end
    CHECK(kind({"a.test", 1, Rcode::NoError, 0, kSoa}) == ReplyKind::NoData);
    CHECK(kind({"a.test", 1, Rcode::NoError}) == ReplyKind::NoData);
    CHECK(kind({"a.test", 1, Rcode::NoError, 0, kNs}) == ReplyKind::Referral);
    CHECK(kind({"a.test", 1, Rcode::NxDomain, 0, kSoa}) == ReplyKind::NxDomain);
    CHECK(kind({"a.test", 1, Rcode::ServFail}) == ReplyKind::Error);
    CHECK(kind({"a.test", 1, Rcode::Refused}) == ReplyKind::Error);
}

TEST_CASE("the same answer: a second's worth, and nothing more while that goes on") {
    ResponseLimit limit(reply_rate_config(10), {1, 2});
    const Exchange answer("a.test", 1, Rcode::NoError, 1);
    CHECK(passed_of(limit, answer, kVictim, 1000) == 10);
    CHECK(passed_of(limit, answer, kVictim, 1000, kFirstReply + 5s) == 0);
    CHECK(passed_of(limit, answer, kVictim, 1000, kFirstReply + 5s + 17s) == 10);
}

TEST_CASE("a network is one client, and its neighbour another") {
    ResponseLimit limit(reply_rate_config(10), {1, 2});
    const Exchange answer("a.test", 1, Rcode::NoError, 1);
    passed_of(limit, answer, kVictim, 10);
    CHECK(passed_of(limit, answer, "198.51.100.200", 10) == 0);
    CHECK(passed_of(limit, answer, "198.51.101.1", 10) == 10);
    CHECK(passed_of(limit, answer, "2001:db8:0:1::1", 10) == 10);
    CHECK(passed_of(limit, answer, "2001:db8:0:fe::2", 10) == 0);
    CHECK(passed_of(limit, answer, "2001:db8:0:100::2", 10) == 10);
}

TEST_CASE("answers are counted by name and type, whatever their case") {
    ResponseLimit limit(reply_rate_config(10), {1, 2});
    passed_of(limit, {"a.test", 1, Rcode::NoError, 1}, kVictim, 10);
    CHECK(passed_of(limit, {"A.Test", 1, Rcode::NoError, 1}, kVictim, 10) == 0);
    CHECK(passed_of(limit, {"a.test", 28, Rcode::NoError, 1}, kVictim, 10) == 10);
    CHECK(passed_of(limit, {"b.test", 1, Rcode::NoError, 1}, kVictim, 10) == 10);
}

TEST_CASE("NODATA is counted by name, NXDOMAIN by zone, an error by client") {
    ResponseLimit limit(reply_rate_config(10), {1, 2});
    passed_of(limit, {"a.test", 1, Rcode::NoError, 0, kSoa}, kVictim, 10);
    CHECK(passed_of(limit, {"a.test", 28, Rcode::NoError, 0, kSoa}, kVictim, 10) == 0);
    CHECK(passed_of(limit, {"b.test", 1, Rcode::NoError, 0, kSoa}, kVictim, 10) == 10);
    passed_of(limit, {"a.org", 1, Rcode::NxDomain, 0, kSoa, "org"}, kVictim, 10);
    CHECK(passed_of(limit, {"b.org", 28, Rcode::NxDomain, 0, kSoa, "ORG"}, kVictim, 10) == 0);
    CHECK(passed_of(limit, {"a.net", 1, Rcode::NxDomain, 0, kSoa, "net"}, kVictim, 10) == 10);
    passed_of(limit, {"a.test", 1, Rcode::ServFail}, kVictim, 10);
    CHECK(passed_of(limit, {"b.test", 28, Rcode::Refused}, kVictim, 10) == 0);
    passed_of(limit, {"a.c.test", 1, Rcode::NoError, 0, kNs, "c.test"}, kVictim, 10);
    CHECK(passed_of(limit, {"b.c.test", 1, Rcode::NoError, 0, kNs, "c.test"}, kVictim, 10) == 0);
}

TEST_CASE("each kind has its own number, and 0 is none") {
    ResponseLimitConfig made = reply_rate_config(0);
    made.replies[static_cast<std::size_t>(ReplyKind::NxDomain)] = 3;
    ResponseLimit limit(made, {1, 2});
    CHECK(passed_of(limit, {"a.test", 1, Rcode::NoError, 1}, kVictim, 1000) == 1000);
    CHECK(passed_of(limit, {"a.test", 1, Rcode::NxDomain, 0, kSoa}, kVictim, 1000) == 3);
    CHECK_FALSE(limit.limits_requests());
}

TEST_CASE("only the zones that are named are limited") {
    ResponseLimitConfig made = reply_rate_config(1);
    made.zones = {zones::Name::parse("example.org").value()};
    ResponseLimit limit(made, {1, 2});
    CHECK(passed_of(limit, {"a.example.org", 1, Rcode::NoError, 1}, kVictim, 10) == 1);
    CHECK(passed_of(limit, {"a.test", 1, Rcode::NoError, 1}, kVictim, 10) == 10);
}

TEST_CASE("slip-ratio and report-only") {
    ResponseLimitConfig made = reply_rate_config(1);
    made.slip = 2;
    const Exchange answer("a.test", 1, Rcode::NoError, 1);
    const auto verdicts = [&](const ResponseLimitConfig& with) {
        ResponseLimit limit(with, {1, 2});
        std::vector<ResponseLimit::Verdict> all;
        for (std::uint32_t random = 0; random < 4; ++random) {
            all.push_back(
                limit.response(answer.query, answer.reply, client_at(kVictim), kFirstReply, random)
                    .verdict);
        }
        return all;
    };
    CHECK(verdicts(made) == std::vector{ResponseLimit::Verdict::Pass, ResponseLimit::Verdict::Drop,
                                        ResponseLimit::Verdict::Slip,
                                        ResponseLimit::Verdict::Drop});
    made.slip = 0;
    CHECK(verdicts(made) == std::vector{ResponseLimit::Verdict::Pass, ResponseLimit::Verdict::Drop,
                                        ResponseLimit::Verdict::Drop,
                                        ResponseLimit::Verdict::Drop});
    made.report_only = true;
    CHECK(verdicts(made) ==
          std::vector{ResponseLimit::Verdict::Pass, ResponseLimit::Verdict::Report,
                      ResponseLimit::Verdict::Report, ResponseLimit::Verdict::Report});
}

TEST_CASE("requests are counted whatever they ask for, and never slip") {
    ResponseLimitConfig made = reply_rate_config(0);
    made.requests = 5;
    made.slip = 1;
    ResponseLimit limit(made, {1, 2});
    CHECK(limit.limits_requests());
    int passed = 0;
    for (int i = 0; i < 100; ++i) {
        const Exchange asked(std::to_string(i) + ".test", 1, Rcode::NoError, 1);
        const auto verdict = limit.request(asked.query, client_at(kVictim), kFirstReply).verdict;
        passed += verdict == ResponseLimit::Verdict::Pass ? 1 : 0;
        CHECK(verdict != ResponseLimit::Verdict::Slip);
    }
    CHECK(passed == 5);
}

}  // namespace
}  // namespace server
