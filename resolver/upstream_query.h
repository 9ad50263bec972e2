// A query as it goes upstream: header, question, and our own OPT record as the last.
// Knows nothing of the client's EDNS options, which do not leak upstream. A value without pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "resolver/forward.h"
#include "zones/hash.h"

namespace resolver {

inline constexpr std::size_t kHeaderLength = 12;       // RFC 1035 §4.1.1
inline constexpr std::size_t kUpstreamPayload = 1232;  // DNS flag day 2020: no fragments

class UpstreamQuery {
  public:
    /// `question.qname` fills 1 to 255 octets.
    explicit UpstreamQuery(const Question& question);

    /// The message under this id; without OPT for an upstream that does not know EDNS.
    std::span<const std::uint8_t> message(std::uint16_t id, bool edns);

    /// Name, type and class as sent.
    std::span<const std::uint8_t> question() const;
    std::uint16_t id() const;

    /// One reply serves both: name but for its case, type, class, flags, DO.
    bool asks_the_same(const UpstreamQuery& other) const;
    /// Equal for queries that ask the same.
    std::uint64_t fingerprint(const zones::HashKey& key) const;

  private:
    void append(std::span<const std::uint8_t> octets);
    void append16(std::uint16_t value);
    std::size_t name_end() const { return size_ - kOptLength - 4; }

    static constexpr std::size_t kOptLength = 11;
    std::array<std::uint8_t, kHeaderLength + 255 + 4 + kOptLength> wire_;
    std::size_t size_ = 0;
};

}  // namespace resolver
