#include "server/client_shares.h"

#include <arpa/inet.h>

#include <doctest/doctest.h>

using server::Client;
using server::ClientShares;

namespace {

ClientShares::Key key_of(const char* text) {
    Client::Peer peer{};
    if (inet_pton(AF_INET, text, &peer.v4.sin_addr) == 1) {
        peer.any.sa_family = AF_INET;
    } else {
        REQUIRE(inet_pton(AF_INET6, text, &peer.v6.sin6_addr) == 1);
        peer.any.sa_family = AF_INET6;
    }
    return ClientShares::key_of(peer);
}

}  // namespace

TEST_CASE("a client is an IPv4 address, or 64 bits of an IPv6 address") {
    CHECK(key_of("10.0.0.1") == key_of("10.0.0.1"));
    CHECK(key_of("10.0.0.1") != key_of("10.0.0.2"));
    CHECK(key_of("::ffff:10.0.0.1") == key_of("10.0.0.1"));
    CHECK(key_of("fd00:1:2:3::1") == key_of("fd00:1:2:3:ffff::2"));
    CHECK(key_of("fd00:1:2:3::1") != key_of("fd00:1:2:4::1"));
    CHECK(key_of("fd00::1") != key_of("10.0.0.1"));
}

TEST_CASE("shares are counted, and forgotten with the last connection") {
    ClientShares shares;
    CHECK(shares.of(1) == 0);
    shares.add(1);
    shares.add(1);
    shares.add(2);
    CHECK(shares.of(1) == 2);
    shares.remove(1);
    shares.remove(1);
    CHECK(shares.of(1) == 0);
    CHECK(shares.of(2) == 1);
}
