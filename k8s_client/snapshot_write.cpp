#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "k8s_client/error_text.h"
#include "k8s_client/file_descriptor.h"
#include "k8s_client/object_json.h"
#include "k8s_client/snapshot_file.h"
#include "k8s_client/snapshot_format.h"

namespace k8s_client {
namespace {

constexpr std::size_t kRandomPart = 6;  // of mkostemp(3)

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

std::string unfinished_prefix(const std::filesystem::path& file) {
    return "." + file.filename().string() + ".";
}

/// A file beside the one to be written; gone at the end unless it took that one's place.
class UnfinishedFile {
  public:
    explicit UnfinishedFile(const std::filesystem::path& file)
        : name_((folder_of(file) / (unfinished_prefix(file) + std::string(kRandomPart, 'X')))
                    .string()),
          fd_(mkostemp(name_.data(), O_CLOEXEC)),  // O_EXCL, mode 0600
          exists_(static_cast<bool>(fd_)) {}
    ~UnfinishedFile() {
        if (exists_) {
            unlink(name_.c_str());
        }
    }
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;

    int fd() const { return fd_.get(); }
    bool rename_to(const std::filesystem::path& file) {
        exists_ = rename(name_.c_str(), file.c_str()) != 0;
        return !exists_;
    }

  private:
    std::string name_;
    FileDescriptor fd_;
    bool exists_;
};

/// Counts and sums up what it writes; after an error it writes no more.
class CheckedOutput {
  public:
    explicit CheckedOutput(int fd) : fd_(fd) {}

    void add(std::string_view text) {
        buffer_ += text;
        if (buffer_.size() >= kSnapshotBuffer) {
            flush();
        }
    }

    void flush() {
        sum_.add(buffer_);
        octets_ += buffer_.size();
        write_all(buffer_);
        buffer_.clear();
    }

    void write_all(std::string_view text) {
        while (!text.empty() && error_ == 0) {
            const ssize_t n = write(fd_, text.data(), text.size());
            if (n >= 0) {
                text.remove_prefix(static_cast<std::size_t>(n));
            } else if (errno != EINTR) {
                error_ = errno;
            }
        }
    }

    /// The first line again, now that it is known.
    void finish() {
        flush();
        const std::string sha256 = sum_.digest();
        const std::string header = snapshot_header(octets_, sha256);
        if (error_ == 0 && sha256.empty()) {
            error_ = ENOTSUP;
        }
        if (error_ == 0 && lseek(fd_, 0, SEEK_SET) != 0) {
            error_ = errno;
        }
        write_all(header);
        if (error_ == 0 && fsync(fd_) != 0) {
            error_ = errno;
        }
    }

    int error() const { return error_; }
    std::uint64_t octets() const { return octets_; }

  private:
    int fd_;
    std::string buffer_;
    Sha256 sum_;
    std::uint64_t octets_ = 0;
    int error_ = 0;
};

void write_content(CheckedOutput& out, const SnapshotStamp& stamp, const ObjectFeed& feed) {
    constexpr std::size_t kDigestDigits = 64;
    out.write_all(snapshot_header(0, std::string(kDigestDigits, '0')));
    out.add(std::string(kWrittenField) + to_string(stamp.written) + '\n');
    out.add(std::string(kFiltersField) + stamp.filters + '\n');
    out.add("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    std::string line;
    std::string_view separator = "\n";
    feed([&](const Object& object) {
        line = separator;
        append_json(object, line);
        separator = ",\n";
        out.add(line);
    });
    out.add("\n]}\n");
    out.finish();
}

/// So that the new name outlives a crash of the machine. What is there is whole in any case.
void sync_folder(const std::filesystem::path& folder) {
    const FileDescriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) {
        fsync(fd.get());
    }
}

}  // namespace

tl::expected<void, std::string> write_snapshot_file(const std::filesystem::path& file,
                                                    const SnapshotStamp& stamp,
                                                    const ObjectFeed& feed) {
    UnfinishedFile unfinished(file);
    if (unfinished.fd() < 0) {
        return tl::unexpected(error_text(errno));
    }
    CheckedOutput out(unfinished.fd());
    write_content(out, stamp, feed);
    if (out.error() != 0) {
        return tl::unexpected(error_text(out.error()));
    }
    if (out.octets() > kMaxSnapshotSize) {
        return tl::unexpected(std::string("larger than 256 MiB, which would not be read again"));
    }
    if (!unfinished.rename_to(file)) {
        return tl::unexpected(error_text(errno));
    }
    sync_folder(folder_of(file));
    return {};
}

void remove_unfinished_snapshots(const std::filesystem::path& file) {
    const std::string prefix = unfinished_prefix(file);
    std::vector<std::filesystem::path> found;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder_of(file), error);
    while (!error && entry != std::filesystem::directory_iterator()) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(prefix) && name.size() == prefix.size() + kRandomPart) {
            found.push_back(entry->path());
        }
        entry.increment(error);
    }
    for (const auto& path : found) {
        unlink(path.c_str());
    }
}

}  // namespace k8s_client
