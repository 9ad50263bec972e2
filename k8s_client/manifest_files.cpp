#include "k8s_client/manifest_files.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "k8s_client/manifests.h"
#include "k8s_client/object_kinds.h"

namespace k8s_client {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// open(O_TRUNC) empties a file before its event is out: an empty file is believed after this time.
constexpr auto kTruncation = 50ms;

// Of a file that changed while it was read, the event is on its way; if not, look by then.
constexpr auto kSecondTry = 1s;

/// Absolute, without `.`, `..` and a final slash, so that a file has one name.
fs::path normal(const fs::path& path) {
    const fs::path absolute = fs::absolute(path).lexically_normal();
    return absolute.has_filename() ? absolute : absolute.parent_path();
}

bool is_folder(const fs::path& path) {
    std::error_code error;
    return fs::is_directory(path, error);
}

}  // namespace

ManifestFiles::ManifestFiles(const std::vector<fs::path>& paths, FileWatch& watch, Journal& journal)
    : watch_(watch), journal_(journal) {
    for (const fs::path& given : paths) {
        const fs::path path = normal(given);
        if (!is_folder(path) && !stamp_of(path)) {
            std::error_code error;
            throw ManifestError(
                "manifests: " + path.string() +
                (fs::exists(path, error) ? " is neither a file nor a folder" : " does not exist"));
        }
        paths_.push_back({path, {}, true});
    }
}

bool ManifestFiles::look() {
    // Watched before it is read: nothing can change unseen in between.
    watch_.watch(folders());
    for (GivenPath& given : paths_) {
        list(given);
    }
    list_order();
    const std::set<fs::path> written = watch_.take_written();
    std::vector<Reading> readings;
    for (const fs::path& file : order_) {
        if (const auto stamp = stamp_to_read(file, written.contains(file))) {
            readings.push_back({file, *stamp, read_manifest(file, watch_.stopped())});
        }
        if (watch_.stopped()) {
            return false;
        }
    }
    if (!readings.empty()) {
        watch_.settle();
    }
    bool changed = forget_missing();
    for (Reading& reading : readings) {
        changed |= accept(reading);
    }
    return changed;
}

std::vector<NamedContent> ManifestFiles::contents() const {
    std::vector<NamedContent> contents;
    for (const fs::path& file : order_) {
        const auto known = known_.find(file);
        if (known != known_.end() && known->second.content) {
            contents.push_back({file.string(), known->second.content});
        }
    }
    return contents;
}

std::string ManifestFiles::why_empty() const {
    if (order_.empty()) {
        return "there is no *.yaml, *.yml or *.json in the given folders";
    }
    const auto first = known_.find(order_.front());
    return "none of " + count_of(order_.size(), "file") +
           " could be read: " + order_.front().string() + ": " +
           (first == known_.end() ? "" : first->second.fault);
}

/// Each path, and the folder it lies in, where it may be replaced.
FileWatch::Folders ManifestFiles::folders() const {
    FileWatch::Folders folders;
    for (const GivenPath& given : paths_) {
        // A mounted ConfigMap is swapped by its symlink `..data`.
        folders[given.path.parent_path()].merge(
            std::set<std::string>{given.path.filename().string(), "..data"});
    }
    for (const GivenPath& given : paths_) {
        if (is_folder(given.path)) {
            folders[given.path].clear();
        }
    }
    return folders;
}

/// A path that is gone keeps the files it had: it is being replaced, or someone erred. What is
/// deleted inside a folder that is there is deleted.
void ManifestFiles::list(GivenPath& given) {
    const bool folder = is_folder(given.path);
    const bool is_there = folder || stamp_of(given.path).has_value();
    if (is_there != given.is_there) {
        journal_.write(Journal::Level::Warning,
                       "manifests: " + given.path.string() +
                           (is_there ? " is back" : " is gone: its objects stay until it is back"));
        given.is_there = is_there;
    }
    if (folder) {
        given.files = list_manifests(given.path);
    } else if (is_there) {
        given.files = {given.path};
    }
}

/// Each file once, where it was named last: of two files, the latter counts.
void ManifestFiles::list_order() {
    order_.clear();
    std::set<fs::path> seen;
    for (auto given = paths_.rbegin(); given != paths_.rend(); ++given) {
        for (auto file = given->files.rbegin(); file != given->files.rend(); ++file) {
            if ((!given->is_there || stamp_of(*file)) && seen.insert(*file).second) {
                order_.push_back(*file);
            }
        }
    }
    std::reverse(order_.begin(), order_.end());
}

/// True if a file that held something is no longer there.
bool ManifestFiles::forget_missing() {
    const std::set<fs::path> files(order_.begin(), order_.end());
    bool changed = false;
    std::erase_if(known_, [&](const auto& known) {
        const bool missing = !files.contains(known.first);
        changed |= missing && known.second.content;
        return missing;
    });
    return changed;
}

/// The stamp it has now, if it is to be read.
std::optional<FileStamp> ManifestFiles::stamp_to_read(const fs::path& file, bool was_written) {
    KnownFile& known = known_[file];
    const auto stamp = stamp_of(file);
    if (!stamp || (stamp == known.stamp && !was_written) || looks_truncated(known, *stamp)) {
        return std::nullopt;
    }
    watch_.refresh();
    if (watch_.is_being_written(file)) {
        return std::nullopt;
    }
    return stamp;
}

bool ManifestFiles::looks_truncated(KnownFile& known, const FileStamp& stamp) {
    if (stamp.size > 0 || !known.content || known.content->objects.empty()) {
        return false;
    }
    const auto now = Clock::now();
    if (known.empty_stamp != stamp) {
        known.empty_stamp = stamp;
        known.empty_since = now;
    }
    if (now - known.empty_since >= kTruncation) {
        return false;
    }
    watch_.look_again_in(kTruncation);
    return true;
}

/// A reading is worth nothing if someone wrote at the same time.
bool ManifestFiles::is_half_written(const Reading& reading) {
    if (!reading.content && reading.content.error().is_changing) {
        return true;
    }
    const FileStamp& stamp = reading.content ? reading.content->stamp : reading.stamp;
    return watch_.is_being_written(reading.file) || stamp_of(reading.file) != stamp ||
           looks_truncated(known_[reading.file], stamp);
}

/// True if the file has new content.
bool ManifestFiles::accept(Reading& reading) {
    KnownFile& known = known_[reading.file];
    if (is_half_written(reading)) {
        known.stamp.reset();
        watch_.look_again_in(kSecondTry);
        return false;
    }
    known.stamp = reading.stamp;
    known.fault = reading.content ? "" : reading.content.error().why;
    if (!reading.content) {
        ++refused_.files;
        journal_.write(Journal::Level::Error,
                       "manifests: " + reading.file.string() + ": " + known.fault +
                           (known.content ? "; its last good state stays" : "; it is left out"));
        return false;
    }
    for (const std::string& message : reading.content->skipped) {
        journal_.write(Journal::Level::Warning,
                       "manifests: " + reading.file.string() + ": skipped " + message);
    }
    const std::size_t more = reading.content->skipped_objects - reading.content->skipped.size();
    if (more > 0) {
        journal_.write(Journal::Level::Warning, "manifests: " + reading.file.string() +
                                                    ": skipped " + std::to_string(more) + " more");
    }
    refused_.objects += reading.content->skipped_objects;
    known.content = std::make_shared<const ManifestContent>(std::move(*reading.content));
    return true;
}

}  // namespace k8s_client
