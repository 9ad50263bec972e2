// What a slow, greedy or silent client can do to the HTTP responder, and what not.
#include <deque>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include "server/http_responder.h"
#include "tests/server/http_client.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::HttpLimits;
using server::HttpReply;
using server::HttpResponder;
using server::RareMetrics;

namespace {

using Clock = HttpClient::Clock;
constexpr std::size_t kLarge = 1 << 20;

/// /health is "OK", /large a megabyte.
struct Counted {
    RareMetrics metrics;
    double count(const std::string& reason) const {
        for (const server::Sample& sample : metrics.samples()) {
            if (sample.labels == server::Labels{{"reason", reason}}) {
                return sample.value;
            }
        }
        return -1;
    }
};

struct LimitedResponder : Counted, HttpResponder {
    explicit LimitedResponder(HttpLimits limits = {}) : HttpResponder(limits, &metrics) {
        commit(prepare({{{"127.0.0.1", 0}, "/health", [] { return HttpReply{.body = "OK"}; }},
                        {{"127.0.0.1", 0}, "/large", [] {
                             return HttpReply{.body = std::string(kLarge, 'x')};
                         }}}));
    }
    std::uint16_t port() const { return listeners().front().bound.port; }
};

TEST_CASE("heads that are too large") {
    const LimitedResponder serving;
    HttpClient line(serving.port());
    CHECK(status_of(line.ask("GET /" + std::string(5000, 'a'))) == 414);
    CHECK(line.closed());
    HttpClient fields(serving.port());
    CHECK(status_of(fields.ask("GET /health HTTP/1.1\r\nX: " + std::string(5000, 'a'))) == 431);
    CHECK(fields.closed());
    HttpClient empty(serving.port());
    CHECK(status_of(empty.ask(std::string(5000, '\n'))) == 414);
    const std::string head = "GET /health HTTP/1.1\r\nHost: x\r\nX: ";
    HttpClient fits(serving.port());
    CHECK(status_of(fits.ask(head + std::string(4096 - head.size() - 4, 'a') + "\r\n\r\n")) == 200);
    CHECK(status_of(fits.ask(head + std::string(4096 - head.size() - 3, 'a') + "\r\n\r\n")) == 431);
    CHECK(serving.count("size") == 4);
}

TEST_CASE("a request that takes too long is a 408, silence is closed") {
    const LimitedResponder serving({.request = 150ms, .idle = 400ms});
    HttpClient silent(serving.port());
    HttpClient dripping(serving.port());
    const auto start = Clock::now();
    std::string reply;
    for (int i = 0; i < 200 && reply.empty(); ++i) {  // each octet on its own, none too late
        dripping.send("G");
        reply = dripping.reply(20ms);
    }
    CHECK(status_of(reply) == 408);
    CHECK(Clock::now() - start >= 150ms);
    CHECK(Clock::now() - start < 2s);
    CHECK(silent.reply().empty());
    CHECK(silent.closed());
    CHECK(serving.count("request") == 1);  // silence is none
    HttpClient idle(serving.port());
    CHECK(status_of(idle.get("/health")) == 200);
    const auto replied = Clock::now();
    CHECK(idle.reply().empty());
    CHECK(idle.closed());
    CHECK(Clock::now() - replied >= 390ms);
}

TEST_CASE("a client that does not close after a last reply is closed") {
    const LimitedResponder serving({.drain = 100ms});
    HttpClient client(serving.port());
    CHECK(status_of(client.ask("GET /health HTTP/1.0\r\n\r\n")) == 200);
    CHECK(client.closed());
    // Half-closed is all it can see; that the slot is free shows with the next case's cap.
}

TEST_CASE("the connection that waits longest makes room") {
    const LimitedResponder serving({.connections = 4, .request = 60s});
    HttpClient first(serving.port());
    CHECK(status_of(first.get("/health")) == 200);
    std::deque<HttpClient> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.emplace_back(serving.port());
        CHECK(status_of(waiting.back().get("/health")) == 200);  // they have come, in this order
        waiting.back().send("GET /he");
    }
    CHECK(status_of(first.get("/health")) == 200);  // four are open, and it is the latest now
    HttpClient one_more(serving.port());
    CHECK(status_of(one_more.get("/health")) == 200);
    CHECK(waiting[0].closed());
    CHECK(serving.count("connections") == 1);
    CHECK(status_of(waiting[1].ask("alth HTTP/1.1\r\nHost: x\r\n\r\n")) == 200);
    CHECK(status_of(first.get("/health")) == 200);
}

TEST_CASE("a large reply reaches a slow reader whole, and holds up nobody") {
    const LimitedResponder serving;
    HttpClient slow(serving.port(), 4096);
    slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 20; ++i) {
        CHECK(body_of(HttpClient(serving.port()).get("/health")) == "OK");
    }
    CHECK(body_of(slow.reply()) == std::string(kLarge, 'x'));
    CHECK(body_of(slow.reply()) == "OK");
}

TEST_CASE("a reader that takes too long is given up") {
    const LimitedResponder serving({.reply = 200ms});
    HttpClient slow(serving.port(), 4096);
    slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    HttpClient idle(serving.port());
    const auto start = Clock::now();
    while (Clock::now() - start < 400ms) {  // reads nothing, while the other goes on
        REQUIRE(status_of(idle.get("/health")) == 200);
    }
    const std::string reply = slow.reply();
    CHECK(status_of(reply) == 200);
    CHECK(reply.size() < kLarge);
    CHECK(slow.closed());
    CHECK(serving.count("reply") == 1);
}

TEST_CASE("unread replies are bounded together: the oldest goes") {
    const LimitedResponder serving({.unsent_octets = 3 * kLarge + kLarge / 2});
    std::deque<HttpClient> readers;
    for (int i = 0; i < 6; ++i) {
        readers.emplace_back(serving.port(), 4096);
        readers.back().send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(status_of(HttpClient(serving.port()).get("/health")) == 200);  // it has begun
    }
    for (int i = 0; i < 6; ++i) {
        CAPTURE(i);
        CHECK((body_of(readers[static_cast<std::size_t>(i)].reply()).size() == kLarge) == (i >= 3));
    }
    CHECK(serving.count("unsent") == 3);
}

TEST_CASE("500 connections that drip do not keep /health from being answered within a second") {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    rlimit raised = limit;
    raised.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
    setrlimit(RLIMIT_NOFILE, &raised);
    {
        const LimitedResponder serving;
        std::deque<HttpClient> dripping;
        const std::string_view request = "GET /health HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        Clock::duration longest{0};
        const auto end = Clock::now() + 4s;  // twice what a request may take
        auto next_drip = Clock::now();
        for (std::size_t turn = 0; Clock::now() < end; ++turn) {
            while (dripping.size() < 500) {
                dripping.emplace_back(serving.port());
            }
            if (Clock::now() >= next_drip) {
                next_drip += 1s;
                for (HttpClient& client : dripping) {
                    client.send(request.substr(turn % request.size(), 1));
                }
            }
            std::erase_if(dripping, [](HttpClient& c) { return c.closed(0ms); });
            const auto start = Clock::now();
            REQUIRE(body_of(HttpClient(serving.port()).get("/health")) == "OK");
            longest = std::max(longest, Clock::now() - start);
        }
        CHECK(longest < 1s);
        MESSAGE("longest: ", std::chrono::duration_cast<std::chrono::microseconds>(longest).count(),
                " us");
    }
    setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_CASE("out of descriptors: those that wait are answered once there are some") {
    const LimitedResponder serving;
    CHECK(status_of(HttpClient(serving.port()).get("/health")) == 200);
    HttpClient client(serving.port());
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    HttpClient waiting(serving.port());
    {
        const int lowest_free = dup(STDIN_FILENO);
        close(lowest_free);
        rlimit now = before;
        now.rlim_cur = static_cast<rlim_t>(lowest_free);
        setrlimit(RLIMIT_NOFILE, &now);
    }
    waiting.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string early = waiting.reply(300ms);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(status_of(early.empty() ? waiting.reply() : early) == 200);
}

}  // namespace
