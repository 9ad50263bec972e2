// A DNS message as ldns reads it: the independent judge of what we write.
// Knows the wire only through ldns, so that it shares no mistake with the code it judges. Not for
// messages from a network. Values; free of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace support {

using Texts = std::vector<std::string>;

struct Judged {
    struct Edns {
        std::uint16_t udp_size = 0;
        std::uint8_t version = 0;
        std::uint16_t flags = 0;
        std::size_t option_octets = 0;
        std::string extended_error;  // "22 upstream 192.0.2.1:53 timed out"; empty: none
    };

    std::string fault;  // empty if ldns takes the message, its counts are true, nothing trails,
                        // and an extended error is one for people to read
    std::uint16_t id = 0;
    unsigned opcode = 0;
    unsigned rcode = 0;                   // with the upper bits of the OPT record
    Texts flags;                          // "qr", "aa" ... in the order of the header
    Texts question;                       // "name. IN A"
    Texts answer, authority, additional;  // "name. 5 IN A 10.0.0.1", in order, without OPT
    std::optional<Edns> edns;

    bool has_flag(const std::string& flag) const;
    std::string rcode_name() const;
};

Judged judge(std::span<const std::uint8_t> message);

/// What ldns makes of one resource record in presentation form; empty if it does not parse.
std::string canonical_record(const std::string& text);

/// Sorted copy, to compare sections as sets.
Texts sorted(Texts texts);

}  // namespace support
