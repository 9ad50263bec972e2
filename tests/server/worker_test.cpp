#include <atomic>
#include <poll.h>
#include <set>
#include <thread>

#include <doctest/doctest.h>

#include "tests/server/serving.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Fd;
using server::Worker;

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kEndpoints = 16;

/// All endpoints of generation n are 10.<n / 250>.<n % 250>.x.
std::vector<Change> endpoints_of_generation(int n) {
    std::vector<std::string> addresses;
    for (int i = 1; i <= kEndpoints; ++i) {
        addresses.push_back("10." + std::to_string(n / 250) + "." + std::to_string(n % 250) + "." +
                            std::to_string(i));
    }
    return {headless("prod", "db"), endpoints("prod", "db", addresses)};
}

/// The prefix that all addresses of an answer share, or why there is none.
std::string shared_prefix(const Octets& message) {
    const Reply reply = read_reply(message);
    if (reply.answer.size() != kEndpoints) {
        return std::to_string(reply.answer.size()) + " addresses, " + reply.rcode;
    }
    std::set<std::string> prefixes;
    for (const std::string& record : reply.answer) {
        prefixes.insert(record.substr(0, record.rfind('.')));
    }
    return prefixes.size() == 1 ? *prefixes.begin() : "mixed";
}

}  // namespace

TEST_CASE("a worker serves UDP and TCP, and stops at once") {
    Serving serving(1);
    const UdpAsker udp(serving.port());
    CHECK(read_reply(udp.ask(web(1))).answer.size() == 1);
    TcpClient tcp(serving.port());
    tcp.ask(web(2));
    CHECK(wait_for([&] { return tcp.ids() == std::vector<std::uint16_t>{2}; }, tcp.fd()));
    const auto before = Clock::now();
    serving.stop();
    CHECK(Clock::now() - before < 2s);
    CHECK(wait_for([&] { return tcp.closed(); }));
}

TEST_CASE("workers share one port: whatever the source port, there is one reply") {
    Serving serving(3);
    std::vector<UdpAsker> udp;
    for (std::uint16_t id = 0; id < 64; ++id) {
        udp.emplace_back(serving.port());
        udp.back().send(web(id));
    }
    for (std::uint16_t id = 0; id < 64; ++id) {
        const Octets reply = udp[id].receive();
        REQUIRE_FALSE(reply.empty());
        CHECK(read_reply(reply).id == id);
        CHECK(udp[id].receive(0ms).empty());
    }
    for (std::uint16_t id = 0; id < 16; ++id) {
        TcpClient tcp(serving.port());
        tcp.ask(web(id));
        REQUIRE(wait_for([&] { return tcp.ids() == std::vector<std::uint16_t>{id}; }, tcp.fd()));
    }
}

TEST_CASE("a worker that was told to stop before it ran does not run") {
    Serving first(1);  // only for a configuration that is settled
    server::Config config;
    config.blocks = {cluster_block({"cluster.local"})};
    config.blocks.front().keys.front().listens = {{"127.0.0.1", first.port()}};
    const auto routing = std::make_shared<server::Routing>(server::make_routing(config, {}, {}));
    std::vector<server::ListenSockets> sockets;
    for (const server::Listen& listen : server::listens_of(config)) {
        sockets.push_back({listen, server::open_udp(listen), server::open_tcp(listen)});
    }
    Worker worker(routing, std::move(sockets));
    worker.stop();
    worker.run();
}

TEST_CASE("a worker goes while upstreams are asked, for UDP and for TCP clients") {
    const support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    Serving serving(1, silent.port());
    const UdpAsker udp(serving.port());
    TcpClient tcp(serving.port());
    TcpClient paused(serving.port());
    udp.send(elsewhere(1));
    for (std::uint16_t id = 1; id <= 150; ++id) {
        tcp.ask(elsewhere(id));
        paused.ask(elsewhere(id));
    }
    tcp.ask(web(200));
    CHECK(read_reply(UdpAsker(serving.port()).ask(web(2))).answer.size() == 1);
    serving.stop();
    CHECK(read_reply(udp.receive()).rcode == "SERVFAIL");
    CHECK(wait_for([&] { return tcp.closed(); }));
}

TEST_CASE("a worker that cannot wait any longer tells those who still wait") {
    const support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    Serving serving(1, silent.port(), 2000ms);  // two tries: 4 s
    TcpClient tcp(serving.port());
    constexpr std::uint16_t kQueries = 150;  // the last 50 are asked when the first 100 have failed
    for (std::uint16_t id = 1; id <= kQueries; ++id) {
        tcp.ask(elsewhere(id));
    }
    tcp.ask(web(200));
    CHECK(read_reply(UdpAsker(serving.port()).ask(web(2))).answer.size() == 1);
    serving.stop();
    CHECK(wait_for([&] { return tcp.closed(); }));
    CHECK(tcp.ids().size() == kQueries + 1U);
}

TEST_CASE("time passes for a worker without work: an upstream's silence ends, SERVFAIL") {
    const support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    Serving serving(1, silent.port());
    const UdpAsker udp(serving.port());
    CHECK(read_reply(udp.ask(elsewhere(1))).rcode == "SERVFAIL");
    TcpClient nothing(serving.port());
    CHECK(wait_for([&] { return nothing.closed(); }));  // after 3 s
}

TEST_CASE("an idle worker lets go of old snapshots") {
    Serving serving(2);
    std::weak_ptr<const zones::ServiceShard> old;
    {
        const server::Published<zones::Snapshot>::Reader reader(serving.cluster().published());
        const auto* web_records = reader.current().find_service("\3web\4prod");
        REQUIRE(web_records != nullptr);
        old = reader.current().shards[web_records->hash % zones::Snapshot::kShards];
    }
    serving.cluster().apply(std::vector<Change>{cluster_ip("prod", "web", "10.0.0.2")});
    CHECK(wait_for([&] { return old.expired(); }));
}

TEST_CASE("objects change while queries run: every answer is from one snapshot") {
    Serving serving(2);
    serving.cluster().apply(endpoints_of_generation(0));
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (int n = 1; !done; n = n % 10000 + 1) {
            serving.cluster().apply(endpoints_of_generation(n));
        }
    });
    std::set<std::string> prefixes;
    std::vector<UdpAsker> askers;
    for (int i = 0; i < 4; ++i) {
        askers.emplace_back(serving.port());
    }
    const Asked asked{.name = "db.prod.svc.cluster.local", .edns = true};
    const auto end = Clock::now() + 2s;
    int answers = 0;
    for (; Clock::now() < end || prefixes.size() < 20; ++answers) {
        REQUIRE(Clock::now() < end + 30s);
        const Octets reply = askers[static_cast<std::size_t>(answers) % askers.size()].ask(asked);
        const std::string prefix = reply.empty() ? "no reply" : shared_prefix(reply);
        if (!prefix.starts_with("db.prod.svc.cluster.local. 5 IN A 10.")) {
            FAIL_CHECK(prefix);
            break;
        }
        prefixes.insert(prefix);
    }
    done = true;
    writer.join();
    CHECK(answers >= 20);
}

namespace {

/// The same addresses, with web.prod elsewhere; takes nothing over. Ends `first` before it goes.
struct Second {
    Second(Serving& first, const char* web_address)
        : serving(first),
          config(first.config()),
          routing(std::make_shared<server::Routing>(server::make_routing(config, {}, {}))) {
        routing->clusters.front()->apply(
            std::vector<Change>{namespace_object(), cluster_ip("prod", "web", web_address)});
        routing->clusters.front()->synced();
    }
    ~Second() { serving.stop(); }
    Second(const Second&) = delete;
    Second& operator=(const Second&) = delete;

    Serving& serving;
    server::Config config;
    std::shared_ptr<server::Routing> routing;
};

}  // namespace

TEST_CASE("workers take up a new routing, and let go of the old one") {
    Serving serving(2);
    const UdpAsker udp(serving.port());
    TcpClient tcp(serving.port());
    tcp.ask(web(1));
    REQUIRE(wait_for([&] { return tcp.ids().size() == 1; }, tcp.fd()));
    const Second second(serving, "10.0.0.2");
    serving.workers().serve(second.routing, serving.workers().open({}));
    CHECK(wait_for([&] { return address_of_web(udp).ends_with("10.0.0.2"); }));
    CHECK(wait_for([&] { return serving.routing().use_count() == 1; }));
    tcp.ask(web(2));  // on the connection from before
    CHECK(wait_for([&] { return tcp.ids().size() == 2; }, tcp.fd()));
}

TEST_CASE("who waits for an upstream of the old routing gets the reply") {
    support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    Serving serving(1, silent.port());
    const UdpAsker udp(serving.port());
    udp.send(elsewhere(7));
    TcpClient tcp(serving.port());
    tcp.ask(elsewhere(8));
    tcp.ask(web(9));
    REQUIRE(wait_for([&] { return tcp.ids().size() == 1; }, tcp.fd()));
    const Second second(serving, "10.0.0.2");
    serving.workers().serve(second.routing, serving.workers().open({}));
    const UdpAsker other(serving.port());
    CHECK(wait_for([&] { return address_of_web(other).ends_with("10.0.0.2"); }));
    CHECK(serving.routing().use_count() > 1);
    CHECK(read_reply(udp.receive()).id == 7);
    CHECK(wait_for([&] { return tcp.ids().size() == 2; }, tcp.fd()));
    CHECK(wait_for([&] { return serving.routing().use_count() == 1; }));
}

TEST_CASE(
    "an address that the new routing lacks is closed, its connections too; a new one opened") {
    Serving serving(2);
    const UdpAsker udp(serving.port());
    TcpClient tcp(serving.port());
    tcp.ask(web(1));
    REQUIRE(wait_for([&] { return tcp.ids().size() == 1; }, tcp.fd()));
    Serving another(1);  // for a port that is free and settled
    server::Config config = another.config();
    another.stop();
    const auto routing = std::make_shared<server::Routing>(server::make_routing(config, {}, {}));
    routing->clusters.front()->synced();
    const std::uint16_t port = routing->routes.front().listen.port;
    serving.workers().serve(routing, serving.workers().open(server::listens_of(config)));
    CHECK(wait_for([&] { return !UdpAsker(port).ask(web(1)).empty(); }));
    CHECK(wait_for([&] { return tcp.closed(); }));
    CHECK(wait_for([&] { return serving.routing().use_count() == 1; }));
    CHECK(serving.workers().held() == server::listens_of(config));
    server::Config free_again = serving.config();
    CHECK_NOTHROW(server::settle_listens(free_again));  // nobody has the old one any more
    serving.stop();                                     // while `config` is there
}

TEST_CASE("a worker that hands over reads no more, and finishes what it has begun") {
    Serving serving(1);
    TcpClient tcp(serving.port());
    tcp.ask(web(1));
    REQUIRE(wait_for([&] { return tcp.ids().size() == 1; }, tcp.fd()));
    // Both have the same queue, as two processes would.
    const Fd shared(dup(serving.workers().sockets().front().udp));
    std::thread stopping([&] { serving.stop(Worker::Stop::HandOver); });
    const UdpAsker udp(serving.port());
    const bool unread = wait_for([&] {
        udp.send(web(3));
        pollfd readable{shared.get(), POLLIN, 0};
        return udp.receive(20ms).empty() && poll(&readable, 1, 0) == 1;
    });
    CHECK(unread);
    tcp.ask(web(2));
    CHECK(wait_for([&] { return tcp.ids().size() == 2; }, tcp.fd()));
    tcp.close();
    stopping.join();
}

TEST_CASE("as many workers as fit: at least one, at most four") {
    CHECK(server::fitting_workers() >= 1);
    CHECK(server::fitting_workers() <= 4);
}
