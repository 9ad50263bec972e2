// The one cursor through which octets from the network are read.
// Knows bounds, and names with or without compression (RFC 1035 §4.1.4); nothing of what the octets
// mean. Borrows the message. A failed read leaves failed() set, and every later read fails too, so
// a parser may check once after several reads.
#pragma once

#include <cstdint>
#include <span>

#include "zones/message.h"
#include "zones/name.h"

namespace zones {

using Octets = std::span<const std::uint8_t>;

inline std::string_view as_text(Octets octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

class Reader {
  public:
    explicit Reader(Octets message, std::size_t at = 0) : message_(message), at_(at) {
        failed_ = at > message.size();
    }

    bool failed() const { return failed_; }
    std::size_t at() const { return at_; }
    bool at_end() const { return !failed_ && at_ == message_.size(); }

    std::uint8_t u8() {
        const auto* p = take(1);
        return p == nullptr ? std::uint8_t{0} : *p;
    }
    std::uint16_t u16() {
        const auto* p = take(2);
        return p == nullptr ? std::uint16_t{0} : read_u16(p);
    }
    std::uint32_t u32() {
        const auto* p = take(4);
        return p == nullptr ? 0 : read_u32(p);
    }
    Octets octets(std::size_t count) {
        const auto* p = take(count);
        return p == nullptr ? Octets{} : Octets{p, count};
    }

    /// An uncompressed name; a pointer is a failure. The view borrows the message.
    NameView plain_name();

    /// A name that may be compressed, written to `out` uncompressed; returns its length, 0 on
    /// failure. Each pointer must point before the start of the run of labels that it ends, so that
    /// no chain can loop, and there may be at most 16.
    std::size_t name(std::uint8_t (&out)[kMaxNameLength]);

    /// Moves past a name without reading what it points to.
    void skip_name();

  private:
    const std::uint8_t* take(std::size_t count) {
        if (failed_ || message_.size() - at_ < count) {
            failed_ = true;
            return nullptr;
        }
        const auto* p = message_.data() + at_;
        at_ += count;
        return p;
    }

    Octets message_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

}  // namespace zones
