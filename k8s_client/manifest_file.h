// One file of manifests: what it holds, and whether it has changed.
// Knows files, and which parser reads which name; knows nothing of other files, nor of watching.
// Free of state and threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <tl/expected.hpp>

#include "k8s_client/objects.h"

namespace k8s_client {

inline constexpr std::size_t kMaxManifestSize = std::size_t{64} << 20;

/// What stat says of a file; equal as long as nobody wrote it.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;  // with chmod, too: an unreadable file may have become readable
    bool operator==(const FileStamp&) const = default;
};

/// Follows symlinks; nullopt unless it is a regular file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& file);

struct ManifestObject {
    Object object;
    std::size_t document = 0;  // from 1
};

struct ManifestContent {
    FileStamp stamp;  // of what was read
    std::vector<ManifestObject> objects;
    std::map<std::string, std::size_t> passed_over;  // objects of other kinds, by kind
    std::size_t skipped_objects = 0;                 // that are wrong
    std::vector<std::string> skipped;                // a message for each of the first of them
};

struct ManifestFault {
    std::string why;           // `line 3: ...`
    bool is_changing = false;  // it was written to meanwhile
};

/// `*.json` is JSON, all else YAML. Gives up when `stop` becomes true; the result says nothing
/// then.
tl::expected<ManifestContent, ManifestFault> read_manifest(const std::filesystem::path& file,
                                                           const std::atomic<bool>& stop);

/// The same file as text, without a byte order mark; the error says why not.
tl::expected<std::string, std::string> read_manifest_text(const std::filesystem::path& file);

/// The manifests of a folder: `*.yaml`, `*.yml` and `*.json`, no dotfiles, sorted by name.
std::vector<std::filesystem::path> list_manifests(const std::filesystem::path& folder);

}  // namespace k8s_client
