// The manifests of all given paths: which files there are, and the last good content of each.
// Knows when a file is worth reading and when it is half written; knows nothing of what objects
// mean together. Watch and journal are borrowed. One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "k8s_client/file_watch.h"
#include "k8s_client/manifest_file.h"
#include "k8s_client/object_table.h"
#include "k8s_client/source.h"

namespace k8s_client {

class ManifestFiles {
  public:
    /// Throws ManifestError if a path is absent.
    ManifestFiles(const std::vector<std::filesystem::path>& paths, FileWatch& watch,
                  Journal& journal);

    /// Reads what has changed since the last look. True if contents() are others now.
    bool look();

    /// In the order of paths, then names. Files that never parsed are not among them.
    std::vector<NamedContent> contents() const;

    /// Why contents() are empty.
    std::string why_empty() const;

    /// What was left out since the last call: objects that are wrong, files as a whole.
    struct Refused {
        std::size_t objects = 0;
        std::size_t files = 0;
    };
    Refused take_refused() { return std::exchange(refused_, {}); }

  private:
    using Clock = std::chrono::steady_clock;
    struct GivenPath {
        std::filesystem::path path;
        std::vector<std::filesystem::path> files;  // as listed when it was there last
        bool is_there = true;
    };
    struct KnownFile {
        std::optional<FileStamp> stamp;  // when it was read last, with success or not
        FileStamp empty_stamp;           // of an empty file that is not yet believed
        Clock::time_point empty_since;
        std::shared_ptr<const ManifestContent> content;  // the last good one; null if none yet
        std::string fault;                               // why the last reading failed
    };
    struct Reading {
        std::filesystem::path file;
        FileStamp stamp;
        tl::expected<ManifestContent, ManifestFault> content;
    };

    FileWatch::Folders folders() const;
    void list(GivenPath& given);
    void list_order();
    bool forget_missing();
    std::optional<FileStamp> stamp_to_read(const std::filesystem::path& file, bool was_written);
    bool looks_truncated(KnownFile& known, const FileStamp& stamp);
    bool is_half_written(const Reading& reading);
    bool accept(Reading& reading);

    FileWatch& watch_;
    Journal& journal_;
    std::vector<GivenPath> paths_;
    std::vector<std::filesystem::path> order_;
    std::map<std::filesystem::path, KnownFile> known_;
    Refused refused_;
};

}  // namespace k8s_client
