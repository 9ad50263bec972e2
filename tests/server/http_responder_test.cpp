// The responder with real sockets: what it answers, and how its set of listeners changes.
#include "server/http_responder.h"

#include <atomic>

#include <doctest/doctest.h>

#include "tests/server/http_client.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::ConfigError;
using server::Fd;
using server::HttpEndpoint;
using server::HttpListeners;
using server::HttpReply;
using server::HttpResponder;
using server::Listen;

namespace {

const Listen kFreeLoopbackPort{"127.0.0.1", 0};

HttpEndpoint says(std::string path, std::string body, Listen listen = kFreeLoopbackPort) {
    return {std::move(listen), std::move(path),
            [body = std::move(body)] { return HttpReply{.body = body}; }};
}

struct CommittedResponder : HttpResponder {
    explicit CommittedResponder(const std::vector<HttpEndpoint>& endpoints) {
        commit(prepare(endpoints));
    }
    std::uint16_t port(std::size_t i = 0) const { return listeners().at(i).bound.port; }
};

std::string prepare_error(const HttpResponder& responder,
                          const std::vector<HttpEndpoint>& endpoints) {
    try {
        (void)responder.prepare(endpoints);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "(opens)";
}

TEST_CASE("paths and methods") {
    const CommittedResponder serving({says("/health", "OK"), says("/ready", "yes")});
    REQUIRE(serving.listeners().size() == 1);  // one address
    HttpClient client(serving.port());
    const std::string reply = client.get("/health");
    CHECK(reply.starts_with("HTTP/1.1 200 OK\r\nDate: "));
    CHECK(reply.find("\r\nContent-Type: text/plain; charset=utf-8\r\n") != reply.npos);
    CHECK(reply.find("\r\nConnection: keep-alive\r\n") != reply.npos);
    CHECK(body_of(reply) == "OK");
    CHECK(body_of(client.get("/ready")) == "yes");  // on the same connection
    CHECK(status_of(client.get("/")) == 404);
    CHECK(status_of(client.get("/health/")) == 404);
    const std::string wrong = client.ask("POST /health HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(wrong) == 405);
    CHECK(wrong.find("\r\nAllow: GET, HEAD\r\n") != wrong.npos);
    client.send("HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string head = client.reply();
    CHECK(head.find("\r\nContent-Length: 2\r\n") != head.npos);
    CHECK(body_of(head).empty());
    CHECK(client.closed());
}

TEST_CASE("a handler that throws is a 500, and the next request is answered") {
    const CommittedResponder serving(
        {{kFreeLoopbackPort, "/x", []() -> HttpReply { throw std::runtime_error("x"); }}});
    HttpClient client(serving.port());
    CHECK(status_of(client.get("/x")) == 500);
    CHECK(status_of(client.get("/y")) == 404);
}

TEST_CASE("HTTP/1.0, and connections that are to be closed") {
    const CommittedResponder serving({says("/health", "OK")});
    HttpClient old(serving.port());
    CHECK(body_of(old.ask("GET /health HTTP/1.0\r\n\r\n")) == "OK");
    CHECK(old.closed());
    HttpClient keeping(serving.port());
    for (int i = 0; i < 3; ++i) {
        CHECK(body_of(keeping.ask("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")) ==
              "OK");
    }
    HttpClient bad(serving.port());
    CHECK(status_of(bad.ask("nonsense\r\n\r\n")) == 400);
    CHECK(bad.closed());
    HttpClient body(serving.port());
    // What comes after is thrown away; the reply gets through nevertheless.
    CHECK(status_of(body.ask("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" +
                             std::string(5000, 'x'))) == 400);
    CHECK(body.closed());
}

TEST_CASE("pipelined requests are answered in order, also in pieces") {
    int count = 0;
    const CommittedResponder serving({{kFreeLoopbackPort, "/n", [&count] {
                                           return HttpReply{.body = std::to_string(++count)};
                                       }}});
    HttpClient client(serving.port());
    const std::string request = "GET /n HTTP/1.1\r\nHost: x\r\n\r\n";
    std::string many;
    for (int i = 0; i < 300; ++i) {  // more than fit into the buffer of a connection
        many += request;
    }
    client.send(many);
    for (int i = 1; i <= 300; ++i) {
        REQUIRE(body_of(client.reply()) == std::to_string(i));
    }
    client.send(request + request.substr(0, 10));
    CHECK(body_of(client.reply()) == "301");
    CHECK(body_of(client.ask(request.substr(10))) == "302");
}

TEST_CASE("both families on no address, and addresses that it covers") {
    const CommittedResponder serving({says("/a", "a", {"", 0})});
    const std::uint16_t port = serving.port();
    CHECK(body_of(HttpClient(port).get("/a")) == "a");
    HttpResponder other;
    CHECK(prepare_error(other, {says("/a", "a", {"127.0.0.1", port})}) ==
          "cannot listen on 127.0.0.1:" + std::to_string(port) + " (HTTP): Address already in use");
    CHECK(prepare_error(other, {says("/a", "a", {"192.0.2.1", 0})}) ==
          "cannot listen on 192.0.2.1:0 (HTTP): Cannot assign requested address");
    CHECK(prepare_error(other, {says("/a", "a", {"x", 0})}) == "not an address to listen on: x");
}

TEST_CASE("what is announced") {
    const CommittedResponder serving({says("/ready", ""), says("/health", "")});
    const std::string at = "http listening 127.0.0.1:" + std::to_string(serving.port());
    CHECK(described(serving.listeners()) ==
          std::vector<std::string>{at + " /health", at + " /ready"});
}

TEST_CASE("a commit keeps listeners and connections that stay, and closes the others") {
    CommittedResponder serving({says("/a", "old"), says("/b", "gone", {"127.0.0.2", 0})});
    const std::uint16_t port = serving.port();
    const std::uint16_t gone_port = serving.port(1);
    HttpClient kept(port);
    HttpClient half(port);
    CHECK(body_of(kept.get("/a")) == "old");
    half.send("GET /a HTTP/1.1\r\n");
    serving.commit(serving.prepare({says("/a", "new"), says("/c", "c", {"127.0.0.3", 0})}));
    CHECK(serving.port() == port);
    CHECK(body_of(kept.get("/a")) == "new");
    CHECK(body_of(half.ask("Host: x\r\n\r\n")) == "new");
    HttpResponder other;  // the address that is gone can be had
    CHECK(prepare_error(other, {says("/b", "b", {"127.0.0.2", gone_port})}) == "(opens)");
    serving.commit({});
    CHECK(kept.closed());
    CHECK(prepare_error(other, {says("/a", "a", {"127.0.0.1", port})}) == "(opens)");
}

TEST_CASE("no request is lost while handlers are replaced") {
    CommittedResponder serving({says("/n", "0")});
    const std::uint16_t port = serving.port();
    std::atomic<bool> stop{false};
    std::atomic<int> answered{0};
    std::atomic<int> failed{0};
    std::thread asking([&] {
        while (!stop) {
            (status_of(HttpClient(port).get("/n")) == 200 ? answered : failed)++;
        }
    });
    const auto end = HttpClient::Clock::now() + 20s;
    for (int i = 0; (i < 200 || answered < 200) && HttpClient::Clock::now() < end; ++i) {
        serving.commit(serving.prepare({says("/n", std::to_string(i))}));
    }
    stop = true;
    asking.join();
    CHECK(answered >= 200);
    CHECK(failed == 0);
}

TEST_CASE("a prepare that fails changes nothing") {
    CommittedResponder serving({says("/a", "old")});
    const std::uint16_t port = serving.port();
    HttpClient client(port);
    CHECK(body_of(client.get("/a")) == "old");
    const CommittedResponder taken({says("/x", "x", {"127.0.0.3", 0})});
    CHECK(prepare_error(serving, {says("/a", "new"), says("/b", "b", {"127.0.0.2", 0}),
                                  says("/c", "c", {"127.0.0.3", taken.port()})}) ==
          "cannot listen on 127.0.0.3:" + std::to_string(taken.port()) +
              " (HTTP): Address already in use");
    CHECK(body_of(client.get("/a")) == "old");
    CHECK(body_of(HttpClient(port).get("/a")) == "old");
    { const HttpListeners dropped = serving.prepare({says("/a", "new")}); }
    CHECK(body_of(client.get("/a")) == "old");
}

TEST_CASE("all addresses of a port become one of them, and again all") {
    std::uint16_t port = 0;
    {
        const CommittedResponder free({says("/", "", {"", 0})});
        port = free.port();
    }
    CommittedResponder serving({says("/a", "1", {"", port})});
    CHECK(body_of(HttpClient(port).get("/a")) == "1");
    serving.commit(serving.prepare({says("/a", "2", {"127.0.0.1", port})}));
    CHECK(serving.listeners().at(0).bound.address == "127.0.0.1");
    CHECK(body_of(HttpClient(port).get("/a")) == "2");
    serving.commit(
        serving.prepare({says("/a", "3", {"", port}), says("/b", "4", {"127.0.0.1", port})}));
    REQUIRE(serving.listeners().size() == 1);  // the one that covers both
    CHECK(body_of(HttpClient(port).get("/b")) == "4");
    HttpResponder other;
    CHECK(prepare_error(other, {says("/a", "a", {"127.0.0.1", port})}) != "(opens)");
}

TEST_CASE("a listener that is handed on: nothing that waits in it is lost") {
    auto before = std::make_unique<CommittedResponder>(std::vector{says("/a", "before")});
    const std::uint16_t port = before->port();
    std::vector<server::InheritedHttpListener> inherited;
    inherited.emplace_back(kFreeLoopbackPort, Fd(dup(before->listeners().at(0).fd->get())));
    before.reset();
    HttpClient waiting(port);  // nobody accepts yet, but it is connected
    waiting.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    HttpResponder after;
    after.commit(after.prepare({says("/a", "after")}, std::move(inherited)));
    CHECK(after.listeners().at(0).bound.port == port);
    CHECK(body_of(waiting.reply()) == "after");
}

}  // namespace
