#include "server/sockets.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/server/blocks.h"
#include "tests/server/tcp_client.h"

using namespace server::testing;
using server::Config;
using server::Fd;
using server::Listen;
using server::settle_listens;

namespace {

Config config_on(const std::vector<Listen>& listens) {
    Config config;
    for (const Listen& listen : listens) {
        config.blocks.push_back(block({"example.org"}, listen));
    }
    return config;
}

const std::vector<Listen>& first_listens(const Config& config, std::size_t block_index = 0) {
    return config.blocks.at(block_index).keys.front().listens;
}

std::string settle_error(Config config) {
    try {
        settle_listens(config);
    } catch (const server::ConfigError& error) {
        return error.what();
    }
    return "(settled)";
}

enum class Reuse { No, Port };

/// What another process has: a bound socket, listening if it is TCP.
class Holder {
  public:
    Holder(int type, Reuse reuse, std::uint16_t port = 0)
        : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        const int on = reuse == Reuse::Port ? 1 : 0;
        setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        const sockaddr_in address = loopback(port);
        if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot hold a port");
        }
        if (type == SOCK_STREAM) {
            ::listen(fd_.get(), 1);
        }
    }
    std::uint16_t port() const { return port_of(fd_.get()); }

  private:
    Fd fd_;
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// A port that is free for UDP and TCP.
std::uint16_t free_port() {
    Config config = config_on({{"127.0.0.1", 0}});
    settle_listens(config);
    return first_listens(config).front().port;
}

}  // namespace

TEST_CASE("port 0 becomes one free port, the same for all that have none, for UDP and TCP") {
    Config config = config_on({{"127.0.0.1", 0}, {"127.0.0.2", 0}, {"127.0.0.1", 0}});
    settle_listens(config);
    const std::uint16_t port = first_listens(config).front().port;
    CHECK(port != 0);
    CHECK(first_listens(config, 1).front() == Listen{"127.0.0.2", port});
    CHECK(first_listens(config, 2).front() == Listen{"127.0.0.1", port});
    CHECK(server::open_udp({"127.0.0.1", port}));
    CHECK(server::open_tcp({"127.0.0.1", port}));
}

TEST_CASE("a port that is given stays") {
    const std::uint16_t port = free_port();
    Config config = config_on({{"127.0.0.1", port}, {"127.0.0.1", 0}});
    settle_listens(config);
    CHECK(first_listens(config).front().port == port);
    CHECK(first_listens(config, 1).front().port != port);
}

TEST_CASE("every address: 0.0.0.0, and :: where the host has IPv6, on one port") {
    Config config = config_on({{"", 0}});
    settle_listens(config);
    const auto& listens = first_listens(config);
    REQUIRE(!listens.empty());
    CHECK(listens.front().address == "0.0.0.0");
    CHECK(listens.size() <= 2);
    if (listens.size() == 2) {
        CHECK(listens.back().address == "::");
        CHECK(listens.back().port == listens.front().port);
    }
    std::vector<Fd> open;  // all at once, twice each, as two workers do
    for (int worker = 0; worker < 2; ++worker) {
        for (const Listen& listen : listens) {
            open.push_back(server::open_udp(listen));
            open.push_back(server::open_tcp(listen));
        }
    }
    CHECK(std::all_of(open.begin(), open.end(), [](const Fd& fd) { return bool(fd); }));
}

TEST_CASE("a port that somebody has, for UDP only or TCP only, is an error that names it") {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const Holder holder(type, Reuse::No);
        const std::string error = settle_error(config_on({{"127.0.0.1", holder.port()}}));
        CAPTURE(error);
        CHECK(contains(error, "dns://127.0.0.1:" + std::to_string(holder.port())));
        CHECK(contains(error, type == SOCK_DGRAM ? "(UDP)" : "(TCP)"));
        CHECK(contains(error, "in use"));
    }
}

TEST_CASE("a holder that would share its port is noticed") {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const Holder holder(type, Reuse::Port);
        const std::string error = settle_error(config_on({{"127.0.0.1", holder.port()}}));
        CAPTURE(error);
        CHECK(contains(error, "in use"));
        CHECK(contains(error, std::to_string(holder.port())));
    }
}

TEST_CASE("a holder of one address is in the way of all addresses") {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const Holder holder(type, Reuse::Port);
        CHECK(contains(settle_error(config_on({{"", holder.port()}})), "dns://0.0.0.0:"));
    }
}

TEST_CASE(
    "what we hold ourselves is not in the way: all addresses beside one, and one beside all") {
    for (const auto& [from, to] : {std::pair{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"}}) {
        Config before = config_on({{from, 0}});
        settle_listens(before);
        const Listen held = first_listens(before).front();
        const Fd udp = server::open_udp(held);
        const Fd tcp = server::open_tcp(held);
        Config after = config_on({{to, held.port}});
        CHECK(contains(settle_error(after), "in use"));  // as it is for everybody else
        CHECK_NOTHROW(settle_listens(after, {held}));
        CHECK(server::open_udp(first_listens(after).front()));
        CHECK(server::open_tcp(first_listens(after).front()));
        CHECK_THROWS(settle_listens(after, {{from, 1}}));  // another port
    }
}

TEST_CASE("connections of a server that has gone do not block its port") {
    const std::uint16_t port = free_port();
    {
        const Fd listener = server::open_tcp({"127.0.0.1", port});
        TcpClient client(port);
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        Fd accepted;
        for (int i = 0; i < 1000 && !accepted; ++i) {
            accepted = Fd(accept(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size));
        }
        REQUIRE(accepted);
        accepted = Fd();  // this side ends first, so it keeps the connection in TIME_WAIT
        client.receive();
        client.close();
    }
    CHECK(settle_error(config_on({{"127.0.0.1", port}})) == "(settled)");
}

TEST_CASE("an address that the host does not have") {
    const std::string error = settle_error(config_on({{"192.0.2.1", 0}}));
    CHECK(contains(error, "dns://192.0.2.1"));
    CHECK(contains(settle_error(config_on({{"nonsense", 5353}})), "nonsense"));
    CHECK(contains(settle_error(config_on({{"fe80::1%nosuch0", 5353}})), "fe80::1%nosuch0"));
}

TEST_CASE("the addresses that clients may know us by") {
    const auto texts = [](const Config& config) {
        std::vector<std::string> out;
        for (const auto& address : server::listening_addresses(config)) {
            out.push_back(zones::to_string(address));
        }
        return out;
    };
    CHECK(texts(config_on({{"127.0.0.1", 53}, {"2001:DB8::1", 53}, {"127.0.0.1", 5353}})) ==
          std::vector<std::string>{"127.0.0.1", "2001:db8::1"});
    for (const std::string& text : texts(config_on({{"0.0.0.0", 53}, {"::", 53}}))) {
        CHECK_FALSE(text.starts_with("127."));
        CHECK_FALSE(text.starts_with("fe80:"));
        CHECK(text != "::1");
        CHECK(text != "0.0.0.0");
    }
    CHECK(texts(config_on({{"0.0.0.0", 53}, {"127.0.0.1", 54}})).front() == "127.0.0.1");
}

TEST_CASE("text of a listener") {
    CHECK(server::to_string({"192.0.2.1", 53}) == "dns://192.0.2.1:53");
    CHECK(server::to_string({"::", 1053}) == "dns://[::]:1053");
}
