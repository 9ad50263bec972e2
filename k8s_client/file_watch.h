// Waits until something changes in folders, by inotify.
// Knows names of files and whether one is being written; never opens one. stop() may be called from
// any thread, all else from one. Where inotify is not to be had, only the poll interval is left.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "k8s_client/file_descriptor.h"

struct inotify_event;

namespace k8s_client {

class FileWatch {
  public:
    /// Which names in a folder matter; of an empty set, every name does.
    using Folders = std::map<std::filesystem::path, std::set<std::string>>;

    /// Some file systems report nothing, and a symlink may lead elsewhere: look this often anyhow.
    static constexpr std::chrono::seconds kPollInterval{10};

    FileWatch();

    bool has_inotify() const { return bool(inotify_); }

    /// From now on these folders and no others; absent ones are passed over. To be called again
    /// before each look, since a folder may have been replaced by another of its name.
    void watch(const Folders& folders);

    /// Until something may have changed, the poll interval has passed, or stop().
    void wait();

    /// Takes note of what has happened up to now; what matters of it ends the next wait() at once.
    void refresh() { is_pending_ |= read_events(); }

    /// Gives the events of what happened just now the time to come in.
    void settle();

    /// The next wait() lasts no longer than this.
    void look_again_in(std::chrono::milliseconds time);

    /// Files written and closed, or moved into place, since the last call.
    std::set<std::filesystem::path> take_written();

    /// It was written to lately, and not yet closed; as of the last wait() or refresh().
    bool is_being_written(const std::filesystem::path& file) const;

    void stop();
    const std::atomic<bool>& stopped() const { return stopped_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Folder {
        std::filesystem::path path;
        std::set<std::string> names;
    };

    bool wait_readable(Clock::time_point deadline) const;
    bool read_events();
    bool handle(const inotify_event& event);
    bool handle_named(const inotify_event& event, const std::filesystem::path& file);

    FileDescriptor inotify_;
    FileDescriptor wake_;
    std::atomic<bool> stopped_ = false;
    bool is_pending_ = false;
    Clock::time_point look_again_ = Clock::time_point::max();
    std::map<int, Folder> watched_;  // by watch descriptor
    std::map<std::filesystem::path, Clock::time_point> being_written_;
    std::set<std::filesystem::path> written_;
};

}  // namespace k8s_client
