// A file with all that the server answered from, for the next start without an API server.
// Knows the file's format and that it must not be believed: what is read goes through the decoder
// and the checks of what comes from a network. Knows nothing of who answers, or when to write.
// Free functions; any thread, one per file.
//
//     keryx-snapshot 1 octets=00000000000000012345 sha256=<64 digits>   both of what follows
//     written=2026-11-23T01:42:57Z
//     filters=<what the objects were chosen by>
//     {"apiVersion":"v1","kind":"List","items":[
//     {"apiVersion":"v1","kind":"Namespace",...},                       an object per line
//     ...
//     ]}
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <tl/expected.hpp>

#include "k8s_client/objects.h"

namespace k8s_client {

inline constexpr std::uint64_t kMaxSnapshotSize = std::uint64_t{256} << 20;
/// How far ahead of our clock the one of the writer may have been.
inline constexpr std::chrono::minutes kMaxClockSkew{5};

struct SnapshotStamp {
    std::chrono::sys_seconds written;  // when the objects were known to be so
    std::string filters;               // one line
};

/// Hands out objects, one by one, each for the length of the call.
using ObjectFeed = std::function<void(const std::function<void(const Object&)>&)>;

/// Puts a whole new file (mode 0600) in place of the old, by way of a second one in the same
/// folder. Memory: one object and a buffer. The error is why not; then the old file is as it was.
tl::expected<void, std::string> write_snapshot_file(const std::filesystem::path& file,
                                                    const SnapshotStamp& stamp,
                                                    const ObjectFeed& feed);

/// Removes what a write that a crash cut short left beside `file`.
void remove_unfinished_snapshots(const std::filesystem::path& file);

/// What a file must be like to be used.
struct SnapshotDemand {
    std::string filters;
    std::chrono::sys_seconds now;
    std::chrono::seconds max_age{};
};

struct SnapshotFault {
    std::string why;       // one line, without the file's name
    bool missing = false;  // there is no such file
};

/// Checks all but the objects, then hands them out and returns when they were written. Whoever
/// takes them must drop them if a fault follows. Memory: one object and a buffer.
tl::expected<std::chrono::sys_seconds, SnapshotFault> read_snapshot_file(
    const std::filesystem::path& file, const SnapshotDemand& demand,
    const std::function<void(Object)>& take);

/// `2026-11-23T01:42:57Z`
std::string to_string(std::chrono::sys_seconds time);

}  // namespace k8s_client
