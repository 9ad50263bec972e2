// What goes upstream octet by octet, and what counts as a reply to it.
#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "resolver/random_bits.h"
#include "resolver/reply_check.h"
#include "resolver/upstream_order.h"
#include "resolver/upstream_query.h"
#include "tests/resolver/forward_fixture.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using resolver::check_reply;
using resolver::UpstreamQuery;

namespace {

Octets octets(std::span<const std::uint8_t> view) {
    return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("upstream_query: header, question, canonical OPT") {
    const auto name = wire_name("Ab.c");
    UpstreamQuery query({.qname = name, .qtype = 28, .qclass = 1, .dnssec_ok = true});
    CHECK(octets(query.message(0x1234, true)) ==
          Octets{0x12, 0x34, 0x01, 0, 0, 1, 0, 0,  0,    0,    0, 1, 2,    'A', 'b', 1, 'c',
                 0,    0,    28,   0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0,   0,   0});
    CHECK(octets(query.message(0x1235, false)) ==
          Octets{0x12, 0x35, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 'A', 'b', 1, 'c', 0, 0, 28, 0, 1});
    CHECK(query.id() == 0x1235);
}

TEST_CASE("upstream_query: each flag as asked") {
    const auto name = wire_name("");
    const auto flags = [](const resolver::Question& question) {
        return read16(UpstreamQuery(question).message(0, true), 2);
    };
    CHECK(flags({.qname = name, .recursion_desired = false}) == 0x0000);
    CHECK(flags({.qname = name, .recursion_desired = true}) == 0x0100);
    CHECK(flags({.qname = name, .recursion_desired = false, .authentic_data = true}) == 0x0020);
    CHECK(flags({.qname = name, .recursion_desired = false, .checking_disabled = true}) == 0x0010);
}

TEST_CASE("upstream_query: the longest name fits") {
    Octets name;
    for (const std::size_t label : {63U, 63U, 63U, 61U}) {
        name.push_back(static_cast<std::uint8_t>(label));
        name.insert(name.end(), label, 'x');
    }
    name.push_back(0);
    REQUIRE(name.size() == 255);
    UpstreamQuery query({.qname = name, .qtype = 1});
    CHECK(query.message(0, true).size() == 12 + 255 + 4 + 11);
    CHECK(query.question().size() == 259);
}

TEST_CASE("check_reply: what matches, and its header") {
    const auto name = wire_name("www.Example");
    UpstreamQuery query({.qname = name, .qtype = 1});
    auto reply = make_reply(octets(query.message(7, true)), 3);
    auto header = check_reply(reply, query);
    REQUIRE(header);
    CHECK(header->rcode == 3);
    CHECK_FALSE(header->truncated);
    CHECK_FALSE(header->has_additional);
    reply[2] |= 0x02;
    reply[11] = 1;
    reply[13] = 'W';
    reply.resize(700, 0xff);
    header = check_reply(reply, query);
    REQUIRE(header);
    CHECK(header->truncated);
    CHECK(header->has_additional);
}

TEST_CASE("check_reply: any octet that must match, changed, and any length cut") {
    const auto name = wire_name("www.example");
    UpstreamQuery query({.qname = name, .qtype = 1});
    const auto good = make_reply(octets(query.message(7, true)));
    REQUIRE(check_reply(good, query));
    const auto with = [&](std::size_t at, std::uint8_t change) {
        auto reply = good;
        reply[at] ^= change;
        return check_reply(reply, query).has_value();
    };
    CHECK_FALSE(with(0, 1));     // id
    CHECK_FALSE(with(1, 1));     // id
    CHECK_FALSE(with(2, 0x80));  // QR
    CHECK_FALSE(with(2, 0x08));  // opcode
    CHECK_FALSE(with(2, 0x40));  // opcode
    CHECK_FALSE(with(5, 1));     // no question
    CHECK_FALSE(with(5, 3));     // two questions
    for (std::size_t at = 12; at < good.size(); ++at)
        CHECK_FALSE(with(at, 0x01));
    for (std::size_t at = good.size() - 4; at < good.size(); ++at)
        CHECK_FALSE(with(at, 0x20));  // type and class know no case
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_FALSE(check_reply(std::span(good).first(size), query));
    auto pointer = good;
    pointer[12] = 0xc0;
    pointer[13] = 0x0c;
    CHECK_FALSE(check_reply(pointer, query));
}

TEST_CASE("random_bits: below() stays below and reaches every value") {
    resolver::RandomBits random;
    std::set<std::size_t> seen;
    for (int i = 0; i < 2000; ++i)
        seen.insert(random.below(15));
    CHECK(seen.size() == 15);
    CHECK(*seen.rbegin() == 14);
    CHECK(random.below(1) == 0);
}

TEST_CASE("upstream_order: every order is a permutation, and all six of three occur") {
    resolver::RandomBits random;
    const auto next = [&](resolver::UpstreamOrder& order) {
        const auto all = order.next(random);
        return std::vector<int>(all.begin(), all.begin() + 3);
    };
    resolver::UpstreamOrder shuffled(resolver::Policy::Random, 3);
    std::set<std::vector<int>> seen;
    for (int i = 0; i < 500; ++i) {
        auto order = next(shuffled);
        seen.insert(order);
        std::sort(order.begin(), order.end());
        CHECK(order == std::vector{0, 1, 2});
    }
    CHECK(seen.size() == 6);
    resolver::UpstreamOrder turns(resolver::Policy::RoundRobin, 3);
    CHECK(next(turns) == std::vector{0, 1, 2});
    CHECK(next(turns) == std::vector{1, 0, 2});
    CHECK(next(turns) == std::vector{2, 0, 1});
    CHECK(next(turns) == std::vector{0, 1, 2});
}
