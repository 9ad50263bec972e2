// What becomes of every reply of a server block, whoever answered: `bufsize`, `header`, `minimal`
// and `nsid`.
// Knows sizes, header bits and the plugins' options; knows nothing of names. Values made at load,
// immutable after: any thread may read.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "zones/query.h"

namespace server {

/// Octets 2 and 3 of a header: what is taken out of them, then what is put into them.
struct HeaderBits {
    std::array<std::uint8_t, 2> clear{}, set{};

    /// `bits` of octet 2 + `octet`, as the last of such calls says.
    void put(std::size_t octet, std::uint8_t bits, bool value) {
        set[octet] = static_cast<std::uint8_t>(value ? set[octet] | bits : set[octet] & ~bits);
        clear[octet] =
            static_cast<std::uint8_t>(value ? clear[octet] & ~bits : clear[octet] | bits);
    }
    std::uint8_t apply(std::size_t octet, std::uint8_t flags) const {
        return static_cast<std::uint8_t>((flags & ~clear[octet]) | set[octet]);
    }
};

struct ReplyShape {
    std::size_t udp_size = zones::kUdpSize;  // of replies over UDP, at most: `bufsize`
    bool minimal = false;
    std::string server_id;  // `nsid`; empty: none is given
    HeaderBits query, response;

    /// Does the block ask, and answer, with RD? `query` rules say what the question becomes.
    bool wants_recursion(const zones::Query& asked) const {
        return (query.apply(0, asked.flags2) & zones::header::kRd) != 0;
    }

    /// To a whole reply.
    void set_header(std::span<std::uint8_t> message) const {
        const auto asked = static_cast<std::uint8_t>(message[2] & zones::header::kRd);
        const auto echoed = static_cast<std::uint8_t>(query.apply(0, asked) & zones::header::kRd);
        message[2] = response.apply(
            0, static_cast<std::uint8_t>((message[2] & ~zones::header::kRd) | echoed));
        message[3] = response.apply(1, message[3]);
    }
};

}  // namespace server
