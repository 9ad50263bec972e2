// What became of each query, as fixed records on standard output: little endian, 32 octets. One
// thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>

namespace soak {

/// Nanoseconds of CLOCK_MONOTONIC.
inline std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

constexpr std::int64_t kGiveUp = 10'000'000'000;

enum Flags : std::uint32_t { kTcp = 1, kLost = 2, kTruncated = 4, kMalformed = 8, kUnasked = 16 };

struct Record {
    std::uint32_t question = 0, flags = 0;
    std::uint64_t digest = 0;
    std::int64_t sent = 0, received = 0;
};
static_assert(sizeof(Record) == 32);

inline void write_record(const Record& record) {
    std::fwrite(&record, sizeof record, 1, stdout);
}

}  // namespace soak
