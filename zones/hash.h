// A keyed hash, so that nobody outside can choose names that collide.
// SipHash-1-3 (https://www.aumasson.jp/siphash/), the variant that Rust's and Ruby's tables use. A
// pure function; the key is drawn once per process (fixed in benchmarks).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace zones {

struct HashKey {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;
};

namespace detail {

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }

    void word(std::uint64_t m) {
        v3 ^= m;
        round();
        v0 ^= m;
    }
};

}  // namespace detail

inline std::uint64_t keyed_hash(const HashKey& key, std::string_view octets) {
    detail::SipState s{key.k0 ^ 0x736f6d6570736575U, key.k1 ^ 0x646f72616e646f6dU,
                       key.k0 ^ 0x6c7967656e657261U, key.k1 ^ 0x7465646279746573U};
    const char* p = octets.data();
    std::size_t left = octets.size();
    for (; left >= 8; left -= 8, p += 8) {
        std::uint64_t m;
        std::memcpy(&m, p, 8);
        s.word(m);
    }
    std::uint64_t last = static_cast<std::uint64_t>(octets.size()) << 56;
    for (std::size_t i = 0; i < left; ++i) {
        last |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(p[i])) << 8 * i;
    }
    s.word(last);
    s.v2 ^= 0xff;
    s.round();
    s.round();
    s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace zones
