// What tells one state of a file from the next without reading it.
// Knows stat(2) and nothing of contents. A value.
#pragma once

#include <filesystem>
#include <sys/stat.h>

namespace server {

struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};

    FileStamp() = default;  // of a file that is not there
    explicit FileStamp(const struct stat& status)
        : device(status.st_dev),
          inode(status.st_ino),
          size(status.st_size),
          changed(status.st_mtim) {}

    bool operator==(const FileStamp& other) const {
        return device == other.device && inode == other.inode && size == other.size &&
               changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
};

inline FileStamp stamp_of(const std::filesystem::path& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 ? FileStamp(status) : FileStamp();
}

}  // namespace server
