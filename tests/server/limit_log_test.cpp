#include "server/limit_log.h"

#include <doctest/doctest.h>

#include "tests/server/printed_log.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using testing::lines_of;
using testing::PrintedLog;

const LimitLog::Clock::time_point kLogStart{1h};

Net net(const char* address, unsigned bits = 32) {
    return {zones::parse_address(address).value(), bits};
}

Net numbered_net(int i) {
    return {zones::Ipv4{{10, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i)}},
            32};
}

/// What is printed when `act` has had the log, and the log has gone.
template <typename Act>
std::string printed_limits(Act act) {
    PrintedLog log;
    {
        LimitLog limits(log.sink());
        act(limits);
    }
    return log.text();
}

void add(LimitedClients& clients, int times, const Net& who, Limit limit = Limit::Queries,
         LimitAction action = LimitAction::Truncated) {
    for (int i = 0; i < times; ++i) {
        clients.add(who, limit, 100, action);
    }
}

TEST_CASE("a client that is limited is named, with what became of its queries") {
    const std::string text = printed_limits([](LimitLog& log) {
        LimitedClients clients;
        add(clients, 3, net("10.0.0.7"));
        add(clients, 2, net("10.0.0.7"), Limit::Queries, LimitAction::Dropped);
        log.tick(clients, kLogStart);
        CHECK(clients.empty());
    });
    CHECK(text ==
          "[WARNING] plugin/ratelimit: client 10.0.0.7 sends more than 100 queries a second: "
          "3 truncated, 2 dropped\n");
}

TEST_CASE("each limit has its words") {
    const auto line_of = [](Limit limit, double allowed, const Net& who) {
        return printed_limits([&](LimitLog& log) {
            LimitedClients clients;
            clients.add(who, limit, allowed, LimitAction::Refused);
            log.tick(clients, kLogStart);
        });
    };
    CHECK(line_of(Limit::Queries, 1, net("2001:db8::", 64)) ==
          "[WARNING] plugin/ratelimit: client 2001:db8::/64 sends more than 1 query a second: "
          "1 refused\n");
    CHECK(line_of(Limit::Forwards, 1, net("10.0.0.7")) ==
          "[WARNING] plugin/ratelimit: client 10.0.0.7 needs more than 1 forward a second: "
          "1 refused\n");
    CHECK(line_of(Limit::Requests, 0.5, net("10.0.0.0", 24)) ==
          "[WARNING] plugin/rrl: clients in 10.0.0.0/24 send more than 0.5 requests a second: "
          "1 refused\n");
    CHECK(line_of(Limit::Responses, 20, net("10.0.0.0", 24)) ==
          "[WARNING] plugin/rrl: clients in 10.0.0.0/24 would get more equal replies than 20 a "
          "second: 1 refused\n");
    CHECK(line_of(Limit::Waiting, 10'000, net("10.0.0.7")) ==
          "[WARNING] plugin/forward: client 10.0.0.7 has its share of 10000 places for queries "
          "that wait: 1 refused\n");
}

TEST_CASE("what goes on is summed up once a minute, and the rest at the end") {
    const std::string text = printed_limits([](LimitLog& log) {
        LimitedClients clients;
        for (int i = 0; i < 1190; ++i) {  // two minutes less a second
            add(clients, 1, net("10.0.0.7"));
            log.tick(clients, kLogStart + i * 100ms);
        }
    });
    CHECK(lines_of(text) == 3);
    CHECK(text.find(": 1 truncated\n") != std::string::npos);
    CHECK(text.find(": 600 truncated\n") != std::string::npos);
    CHECK(text.find(": 589 truncated\n") != std::string::npos);
}

TEST_CASE("a sum is written though nobody is limited any more, and by any worker") {
    const std::string text = printed_limits([](LimitLog& log) {
        LimitedClients one, other;
        add(one, 1, net("10.0.0.7"));
        log.tick(one, kLogStart);
        add(one, 5, net("10.0.0.7"));
        log.tick(one, kLogStart + 1s);
        log.tick(other, kLogStart + 59s);
        log.tick(other, kLogStart + 60s);
        add(other, 7, net("10.0.0.7"));
        log.tick(other, kLogStart + 10min);
    });
    CHECK(lines_of(text) == 3);
    CHECK(text.find(": 5 truncated\n") < text.find(": 7 truncated\n"));
}

TEST_CASE("ten clients are named, those with most first, and the others are one number") {
    const std::string text = printed_limits([](LimitLog& log) {
        LimitedClients clients;
        for (int i = 0; i < 1000; ++i) {  // of which 32 find room
            add(clients, i + 1, numbered_net(i));
        }
        log.tick(clients, kLogStart);
    });
    CHECK(lines_of(text) == 11);
    CHECK(text.starts_with("[WARNING] plugin/ratelimit: client 10.0.0.31 sends"));
    const std::uint64_t others = 1000 * 1001 / 2 - (32 * 33 / 2 - 22 * 23 / 2);
    CHECK(text.find("[WARNING] " + std::to_string(others) +
                    " queries of other clients were limited\n") != std::string::npos);
}

TEST_CASE("forged clients cost no more memory than lines") {
    const std::string text = printed_limits([](LimitLog& log) {
        LimitedClients clients;
        for (int i = 0; i < 20'000; ++i) {
            add(clients, 1, numbered_net(i));
            log.tick(clients, kLogStart + std::chrono::milliseconds(i));
        }
    });
    CHECK(lines_of(text) == 1 + 11);
    CHECK(text.find("[WARNING] 19989 queries of other clients were limited\n") !=
          std::string::npos);
}

TEST_CASE("nothing is written where nobody is limited") {
    CHECK(printed_limits([](LimitLog& log) {
              LimitedClients clients;
              log.tick(clients, kLogStart);
              log.tick(clients, kLogStart + 1h);
          }).empty());
}

}  // namespace
}  // namespace server
