// `status` with real sockets: what it answers, what it refuses, and how its listener changes.
#include "server/status_server.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "server/metrics.h"
#include "tests/server/http_client.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::InheritedHttpListener;
using server::RareMetrics;
using server::StatusConfig;
using server::StatusLimits;
using server::StatusReply;
using server::StatusRequest;
using server::StatusRoutes;
using server::StatusServer;

namespace {

StatusRoutes routes() {
    StatusRoutes routes;
    routes["/echo"] = [](const StatusRequest& request) {
        std::string body;
        for (const auto& [name, value] : request.parameters) {
            body += name + "=" + value + ";";
        }
        return StatusReply{.body = body};
    };
    routes["/throws"] = [](const StatusRequest& /*request*/) -> StatusReply {
        throw std::runtime_error("no such luck");
    };
    return routes;
}

const StatusConfig kLoopbackStatus{{"127.0.0.1", 0}, "127.0.0.1"};

struct StatusServing {
    explicit StatusServing(StatusRoutes served = routes(), StatusLimits limits = {})
        : server(std::move(served), &metrics, limits) {
        use(kLoopbackStatus);
    }
    void use(const std::optional<StatusConfig>& config) {
        std::vector<InheritedHttpListener> none;
        server.commit(server.prepare(config, none));
    }
    std::uint16_t port() const { return server.listeners().at(0).bound.port; }
    /// On a connection of its own, which the server closes.
    std::string ask(std::string_view octets) const { return HttpClient(port()).ask(octets); }
    std::string get(const std::string& target, const std::string& more = "",
                    const std::string& host = "localhost") const {
        return ask("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n");
    }
    std::uint64_t ended(const std::string& reason) const {
        for (const auto& sample : metrics.samples()) {
            if (sample.name == &server::metric::kHttpClosed &&
                sample.labels.at(0).second == reason) {
                return static_cast<std::uint64_t>(sample.value);
            }
        }
        return 0;
    }

    RareMetrics metrics;
    StatusServer server;
};

/// `/slow`, which waits until it may go on.
class SlowRoute {
  public:
    StatusRoutes beside(StatusRoutes others) {
        others["/slow"] = [this](const StatusRequest& /*request*/) {
            std::unique_lock lock(mutex_);
            ++running_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return go_; });
            return StatusReply{.body = "slow"};
        };
        return others;
    }
    /// Returns when four of them have a thread.
    std::vector<std::unique_ptr<HttpClient>> asked_by_five(std::uint16_t port) {
        std::vector<std::unique_ptr<HttpClient>> clients;
        for (int i = 0; i < 5; ++i) {
            clients.push_back(std::make_unique<HttpClient>(port));
            clients.back()->send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        std::unique_lock lock(mutex_);
        REQUIRE(changed_.wait_for(lock, 20s, [this] { return running_ == 4; }));
        return clients;
    }
    int running() {
        const std::lock_guard lock(mutex_);
        return running_;
    }
    void go_on() {
        const std::lock_guard lock(mutex_);
        go_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int running_ = 0;
    bool go_ = false;
};

bool has_header(const std::string& reply, const std::string& line) {
    return reply.find("\r\n" + line + "\r\n") != reply.npos;
}

/// What every reply has, also one that refuses.
void check_headers(const std::string& reply) {
    CAPTURE(reply);
    CHECK(has_header(
        reply,
        "Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"));
    CHECK(has_header(reply, "X-Content-Type-Options: nosniff"));
    CHECK(has_header(reply, "Referrer-Policy: no-referrer"));
    CHECK(has_header(reply, "Cache-Control: no-store"));
    CHECK(has_header(reply, "Cross-Origin-Resource-Policy: same-origin"));
    CHECK(has_header(reply, "Accept-Ranges: none"));
    CHECK(has_header(reply, "Connection: close"));
}

}  // namespace

TEST_CASE("status: a route, its parameters, and headers for browsers") {
    const StatusServing serving;
    const std::string reply = serving.get("/echo?b=%41%20+x&a=1&a=2&c");
    CHECK(status_of(reply) == 200);
    CHECK(body_of(reply) == "a=1;b=A  x;c=;");
    CHECK(has_header(reply, "Content-Type: application/json"));
    check_headers(reply);
    HttpClient head(serving.port());
    const std::string only_head = head.ask("HEAD /echo?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(status_of(only_head) == 200);
    CHECK(has_header(only_head, "Content-Length: 4"));
    check_headers(only_head);
    CHECK(head.closed());
}

TEST_CASE("status: what is refused says why, with the same headers") {
    const StatusServing serving;
    struct Case {
        std::string_view request;
        int status;
    };
    const Case cases[] = {
        {"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
        {"GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n", 500},
        {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405},
        {"PUT /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405},
        {"DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"TRACE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"NONSENSE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"GET /echo\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: \r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: x\n\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: local%68ost\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: [%3a:1]\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: \r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nhost: 127.0.0.1%25.evil.example\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
        {"GET /echo HTTP/1.1\r\nHost: 127.0.0.1.evil.example:80\r\n\r\n", 421},
        {"GET /echo HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 421},
        {"GET /echo HTTP/1.1\r\nHost: [evil.example]\r\n\r\n", 421},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403},
        {"GET /echo HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n"
         "Sec-Fetch-Site: cross-site\r\n\r\n",
         403}};
    for (const Case& c : cases) {
        CAPTURE(c.request);
        const std::string reply = serving.ask(c.request);
        CHECK(status_of(reply) == c.status);
        check_headers(reply);
        CHECK(has_header(reply, "Allow: GET, HEAD") == (c.status == 405));
    }
    CHECK(body_of(serving.get("/throws")) == "no such luck\n");
}

TEST_CASE("status: by address, as localhost, or by the configured name") {
    StatusServing serving;
    for (const char* host : {"127.0.0.1", "127.0.0.1:8182", "[::1]", "[::1]:8182", "10.1.2.3:1",
                             "LocalHost", "localhost:9", "[fe80::1%25eth0]:80"}) {
        CAPTURE(host);
        CHECK(status_of(serving.get("/echo", "", host)) == 200);
    }
    CHECK(status_of(serving.get("/echo", "", "dns.example:1")) == 421);
    serving.use(StatusConfig{{"127.0.0.1", 0}, "DNS.example"});
    CHECK(status_of(serving.get("/echo", "", "dns.example:1")) == 200);
    for (const char* site : {"same-origin", "none", "same-site"}) {
        CHECK(status_of(serving.get("/echo", std::string("Sec-Fetch-Site: ") + site + "\r\n")) ==
              200);
    }
}

TEST_CASE("status: a field that std::regex would read is passed over") {
    const StatusServing serving;
    std::string ranges = "bytes=0-0";
    for (int i = 0; i < 2000; ++i) {
        ranges += ",1-2";
    }
    const std::string reply =
        serving.get("/echo?a=1", "Range: " + ranges + "\r\nrAnge: bytes=1-1\r\n");
    CHECK(status_of(reply) == 200);
    CHECK(body_of(reply) == "a=1;");
}

TEST_CASE("status: heads that are too large, too slow, or too many") {
    StatusLimits limits;
    limits.request = 200ms;
    limits.connections = 4;
    const StatusServing serving(routes(), limits);
    const std::string large = serving.get("/echo", "X: " + std::string(20'000, 'x') + "\r\n");
    CHECK(status_of(large) == 431);
    check_headers(large);
    CHECK(serving.ended("size") == 1);
    HttpClient slow(serving.port());
    slow.send("GET /echo HTTP/1.1\r\n");
    const std::string late = slow.reply();
    CHECK(status_of(late) == 408);
    check_headers(late);
    CHECK(serving.ended("request") == 1);
    HttpClient longest(serving.port());
    longest.send("GET");
    std::vector<std::unique_ptr<HttpClient>> others;
    for (int i = 0; i < 4; ++i) {
        others.push_back(std::make_unique<HttpClient>(serving.port()));
        others.back()->send("GET");
    }
    CHECK(longest.closed());
    CHECK(serving.ended("connections") >= 1);
    CHECK(status_of(serving.get("/echo")) == 200);
}

TEST_CASE("status: handlers that take their time hold up a pool of four, and nobody else") {
    SlowRoute slow;
    StatusServing serving(slow.beside(routes()));
    const auto clients = slow.asked_by_five(serving.port());
    serving.use(kLoopbackStatus);  // a reload waits for none of them
    CHECK(slow.running() == 4);
    slow.go_on();
    for (const auto& client : clients) {
        CHECK(body_of(client->reply(20s)) == "slow");
    }
}

TEST_CASE("status: what was accepted before the end is answered") {
    SlowRoute slow;
    auto serving = std::make_unique<StatusServing>(slow.beside(routes()));
    HttpClient half(serving->port());
    half.send("GET /echo?a=1 HTTP/1.1\r\nHost:");
    const auto clients = slow.asked_by_five(serving->port());  // accepted later than the half one
    std::atomic<bool> begun = false;
    std::thread ending([&] {
        begun = true;
        serving.reset();
    });
    while (!begun) {
        std::this_thread::yield();
    }
    std::this_thread::sleep_for(20ms);  // for the end to be seen; if it is not, it is no worse
    half.send(" localhost\r\n\r\n");
    slow.go_on();
    for (const auto& client : clients) {
        CHECK(body_of(client->reply(20s)) == "slow");
    }
    CHECK(body_of(half.reply(20s)) == "a=1;");
    ending.join();
}

TEST_CASE("status: who does not read its reply has a thread for so long") {
    StatusLimits limits;
    limits.threads = 1;
    limits.reply = 200ms;
    StatusRoutes large = routes();
    large["/large"] = [](const StatusRequest& /*request*/) {
        return StatusReply{.body = std::string(32 << 20, 'x')};
    };
    const StatusServing serving(std::move(large), limits);
    HttpClient deaf(serving.port(), 4096);
    deaf.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(status_of(serving.get("/echo")) == 200);
    CHECK(serving.ended("reply") == 1);
}

TEST_CASE("status: the same address stays open, another is open before the old one goes") {
    StatusServing serving;
    const int fd = serving.server.listeners().at(0).fd->get();
    serving.use(kLoopbackStatus);
    CHECK(serving.server.listeners().at(0).fd->get() == fd);
    const std::uint16_t before = serving.port();
    std::vector<InheritedHttpListener> none;
    auto prepared = serving.server.prepare(StatusConfig{{"127.0.0.2", 0}, ""}, none);
    CHECK(status_of(serving.get("/echo")) == 200);
    serving.server.commit(std::move(prepared));
    CHECK(serving.server.listeners().at(0).bound.address == "127.0.0.2");
    std::string error;
    try {
        (void)serving.server.prepare(StatusConfig{{"192.0.2.1", 1}, ""}, none);
    } catch (const server::ConfigError& refused) {
        error = refused.what();
    }
    CHECK(error.starts_with("cannot listen on 192.0.2.1:1 (HTTP): "));
    CHECK(serving.server.listeners().size() == 1);  // as it was
    serving.use(std::nullopt);
    CHECK(serving.server.listeners().empty());
    serving.use(StatusConfig{{"127.0.0.1", before}, ""});  // it is free
    CHECK(status_of(serving.get("/echo")) == 200);
}

TEST_CASE("status: takes its socket, and no other, out of what another process hands over") {
    StatusServing first;
    const std::uint16_t port = first.port();
    std::vector<InheritedHttpListener> handed;
    handed.emplace_back(server::Listen{"127.0.0.1", 1}, server::Fd());
    handed.emplace_back(server::Listen{"127.0.0.1", port},
                        server::Fd(::dup(first.server.listeners().at(0).fd->get())));
    RareMetrics metrics;
    StatusServer second(routes(), &metrics);
    second.commit(second.prepare(StatusConfig{{"127.0.0.1", port}, ""}, handed));
    CHECK(handed.size() == 1);
    first.use(std::nullopt);
    CHECK(status_of(HttpClient(port).ask("GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200);
}
