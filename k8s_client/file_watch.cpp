#include "k8s_client/file_watch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <utility>

namespace k8s_client {
namespace {

using namespace std::chrono_literals;

// Whoever writes several files does so in quick succession: one look for all of them.
constexpr auto kQuiet = 5ms;

// What is written shows in the file a moment before its event can be read.
constexpr auto kSettled = 2ms;

// A writer that has paused for so long is not in the middle of a file.
constexpr auto kWriterPause = 5s;

constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;
constexpr std::uint32_t kMask = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |
                                IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                IN_ONLYDIR;

/// A new file that its writer has open; a symlink, a hard link and a folder are complete at once.
bool is_new_file(const std::filesystem::path& file) {
    struct stat status {};
    return lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

}  // namespace

FileWatch::FileWatch()
    : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC)) {}

void FileWatch::watch(const Folders& folders) {
    std::map<int, Folder> watched;
    for (const auto& [path, names] : folders) {
        const int wd = inotify_add_watch(inotify_.get(), path.c_str(), kMask);
        if (wd < 0) {
            continue;
        }
        const auto [at, is_new] = watched.try_emplace(wd, Folder{path, names});
        if (!is_new) {
            at->second.names.clear();  // one folder by two paths: every name matters
        }
    }
    for (const auto& [wd, folder] : watched_) {
        if (!watched.contains(wd)) {
            inotify_rm_watch(inotify_.get(), wd);
        }
    }
    watched_ = std::move(watched);
}

void FileWatch::wait() {
    const auto deadline = std::min(Clock::now() + kPollInterval,
                                   std::exchange(look_again_, Clock::time_point::max()));
    while (!is_pending_) {
        if (!wait_readable(deadline)) {
            return;
        }
        refresh();
    }
    const auto quiet = Clock::now() + kQuiet;
    while (wait_readable(quiet)) {
        refresh();
    }
    is_pending_ = false;
}

void FileWatch::settle() {
    const auto deadline = Clock::now() + kSettled;
    while (wait_readable(deadline)) {
        refresh();
    }
}

void FileWatch::look_again_in(std::chrono::milliseconds time) {
    look_again_ = std::min(look_again_, Clock::now() + time);
}

std::set<std::filesystem::path> FileWatch::take_written() {
    return std::exchange(written_, {});
}

bool FileWatch::is_being_written(const std::filesystem::path& file) const {
    const auto at = being_written_.find(file);
    return at != being_written_.end() && Clock::now() - at->second < kWriterPause;
}

void FileWatch::stop() {
    stopped_ = true;
    // Cannot fail: the counter is far from its limit.
    [[maybe_unused]] const int result = eventfd_write(wake_.get(), 1);
}

/// False at the deadline and once stopped.
bool FileWatch::wait_readable(Clock::time_point deadline) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left <= 0ms || stopped_) {
            return false;
        }
        std::array<pollfd, 2> fds = {pollfd{wake_.get(), POLLIN, 0},
                                     pollfd{inotify_.get(), POLLIN, 0}};
        const int ready = poll(fds.data(), fds.size(), static_cast<int>(left.count()));
        if (ready > 0 && fds[1].revents != 0) {
            return !stopped_;
        }
    }
}

/// True if one of them may have changed what there is to read.
bool FileWatch::read_events() {
    alignas(inotify_event) std::array<char, 16384> buffer;
    const ssize_t size = read(inotify_.get(), buffer.data(), buffer.size());
    bool relevant = false;
    for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
        relevant |= handle(*event);
        at += sizeof(inotify_event) + event->len;
    }
    return relevant;
}

bool FileWatch::handle(const inotify_event& event) {
    if (event.mask & IN_Q_OVERFLOW) {
        being_written_.clear();
        return true;
    }
    const auto at = watched_.find(event.wd);
    if (at == watched_.end()) {
        return false;
    }
    const Folder& folder = at->second;
    if (event.mask & kGone) {
        return true;
    }
    if (event.len == 0) {
        return folder.names.empty();
    }
    const std::string name(event.name);
    if (!folder.names.empty() && !folder.names.contains(name)) {
        return false;
    }
    return handle_named(event, folder.path / name);
}

bool FileWatch::handle_named(const inotify_event& event, const std::filesystem::path& file) {
    const bool begins = (event.mask & IN_CREATE) && is_new_file(file);
    if (begins || (event.mask & IN_MODIFY)) {
        being_written_[file] = Clock::now();
        return false;
    }
    if (event.mask & IN_ATTRIB) {
        return true;
    }
    being_written_.erase(file);
    if (event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) {
        written_.insert(file);
    }
    return true;
}

}  // namespace k8s_client
