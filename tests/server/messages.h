// Queries as octets, and replies as text that a test can compare; ldns is the judge of what a reply
// says.
// Free functions and values; one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/server/texts.h"
#include "zones/message.h"

namespace server::testing {

using Octets = std::vector<std::uint8_t>;

/// A query to be made.
struct Asked {
    std::string name;
    std::uint16_t type = 1;
    std::uint16_t id = 0x1234;
    std::uint16_t qclass = 1;
    bool edns = false;
    std::uint16_t udp_size = 1232;
    bool dnssec_ok = false;
    std::uint8_t flags2 = zones::header::kRd;
    std::uint8_t flags3 = 0;
    std::uint8_t version = 0;  // of EDNS
    Octets options{};          // of EDNS
};

Octets make_query(const Asked& asked);

/// Of class CH, where servers are asked about themselves.
inline Asked in_chaos(const std::string& name, std::uint16_t type = zones::qtype::kTxt) {
    return {.name = name, .type = type, .qclass = zones::kClassCh};
}

/// A type that the server has no need to know.
inline constexpr std::uint16_t kMx = 15;

/// What a reply says. Records are text with single spaces: "a.test. 5 IN A 192.0.2.1".
struct Reply {
    std::uint16_t id = 0;
    std::string rcode;  // "NOERROR", "BADVERS"
    std::string flags;  // "qr aa rd ra", in this order
    bool edns = false;
    bool dnssec_ok = false;
    std::uint16_t extended_error = 0;  // the code of its EDE option
    std::string why;                   // that code and its text: "22 upstream ... timed out"
    std::vector<std::string> question, answer, authority, additional;  // OPT is not among them
    std::size_t size = 0;
};

/// Throws std::runtime_error where the judge finds the message malformed.
Reply read_reply(std::span<const std::uint8_t> message);

/// "NOERROR qr aa rd" and the like: the first thing to look at.
std::string verdict_of(const Reply& reply);

/// The bare id, flags and rcode of a reply without sections: "1234 a8 04".
std::string header_of(std::span<const std::uint8_t> message);

/// The messages of a TCP stream, as far as they are whole.
std::vector<Octets> unframed(std::span<const std::uint8_t> stream);

/// With the two octets of length in front.
Octets framed(const Octets& message);

}  // namespace server::testing
