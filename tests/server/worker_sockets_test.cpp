// The sockets of workers over reloads and stops: which close, which stay, and what is in them.
#include <ctime>
#include <thread>
#include <utility>

#include "tests/server/serving.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::Fd;
using server::Worker;

namespace {

/// What `first` serves, on the same port of that address.
std::shared_ptr<server::Routing> moved_to(const char* address, const Serving& first,
                                          server::Config& config) {
    config = first.config();
    config.blocks.front().keys.front().listens = {{address, first.port()}};
    server::settle_listens(config, server::listens_of(first.config()));
    auto routing = std::make_shared<server::Routing>(server::make_routing(config, {}, {}));
    routing->clusters.front()->apply(
        std::vector<Change>{namespace_object(), cluster_ip("prod", "web", "10.0.0.2")});
    routing->clusters.front()->synced();
    return routing;
}

}  // namespace

TEST_CASE("from one address to all and the other way: no query is lost to a socket that goes") {
    const support::FakeUpstream silent([](support::FakeUpstream&, const support::Received&) {});
    for (const auto& [from, to] : {std::pair{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"}}) {
        const std::string before = from;
        CAPTURE(before);
        Serving serving(2, silent.port(), 2000ms, from);  // two tries: 4 s
        std::vector<UdpAsker> waiting;
        for (std::uint16_t id = 0; id < 16; ++id) {  // some for each worker
            waiting.emplace_back(serving.port());
            waiting.back().send(elsewhere(id));
            CHECK(read_reply(UdpAsker(serving.port()).ask(web(id))).answer.size() == 1);
        }
        TcpClient tcp(serving.port());
        tcp.ask(web(1));
        REQUIRE(wait_for([&] { return tcp.ids().size() == 1; }, tcp.fd()));
        server::Config config;
        const auto routing = moved_to(to, serving, config);
        serving.workers().serve(routing, serving.workers().open(server::listens_of(config)));
        CHECK(wait_for([&] { return address_of_web(UdpAsker(serving.port())).ends_with("0.2"); }));
        for (std::uint16_t id = 0; id < 64; ++id) {
            CHECK(!UdpAsker(serving.port()).ask(web(id)).empty());
        }
        CHECK(serving.routing().use_count() > 1);  // all that time, the old sockets were there
        if (std::string_view(to) == "0.0.0.0") {
            tcp.ask(web(2));
            CHECK(wait_for([&] { return tcp.ids().size() == 2; }, tcp.fd()));
        }
        for (std::uint16_t id = 0; id < 16; ++id) {  // late replies leave by the old sockets
            CHECK(read_reply(waiting[id].receive()).id == id);
        }
        serving.stop();  // while `config` is there
    }
}

TEST_CASE("an event of an address that has just been closed meets nothing") {
    const Serving first(1);  // only for a configuration that is settled
    server::Config config = first.config();
    config.blocks.front().keys.front().listens = {{"127.0.0.2", first.port()}};
    const auto routing = std::make_shared<server::Routing>(server::make_routing(config, {}, {}));
    const server::Listen listen = server::listens_of(config).front();
    std::vector<server::ListenSockets> sockets;
    sockets.push_back({listen, server::open_udp(listen), server::open_tcp(listen)});
    const Fd asker(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sockaddr_in to = loopback(first.port(), "127.0.0.2");
    REQUIRE(connect(asker.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    Worker worker(routing, std::move(sockets));
    worker.adopt(first.routing(), {});
    worker.stop();
    const Octets query = make_query(web(1));
    REQUIRE(send(asker.get(), query.data(), query.size(), 0) > 0);  // one epoll_wait() tells of all
    worker.run();
    Octets reply(512);
    CHECK(recv(asker.get(), reply.data(), reply.size(), MSG_DONTWAIT) > 0);
}

TEST_CASE("a worker that waits for idle connections to end sleeps meanwhile") {
    const Serving first(1);  // only for a configuration that is settled
    server::Config config = first.config();
    config.blocks.front().keys.front().listens = {{"127.0.0.2", first.port()}};
    config.blocks.front().timeouts.emplace().idle = 2s;
    const auto routing = std::make_shared<server::Routing>(server::make_routing(config, {}, {}));
    const server::Listen listen = server::listens_of(config).front();
    std::vector<server::ListenSockets> sockets;
    sockets.push_back({listen, server::open_udp(listen), server::open_tcp(listen)});
    const Fd idle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in to = loopback(first.port(), "127.0.0.2");
    REQUIRE(connect(idle.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    Worker worker(routing, std::move(sockets));
    timespec spent{};
    std::thread running([&] {
        worker.run();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    });
    const Octets query = framed(make_query(web(1)));
    REQUIRE(send(idle.get(), query.data(), query.size(), 0) > 0);
    Octets reply(512);
    CHECK(recv(idle.get(), reply.data(), reply.size(), 0) > 0);
    worker.stop(Worker::Stop::HandOver);
    running.join();  // the connection may be idle for so long
    CHECK(spent.tv_sec == 0);
    CHECK(spent.tv_nsec < 500'000'000);
}
