// When a snapshot is due to be written: soon after the first sync, then seldom, and now and then
// though nothing changed, since a file's age counts when it is read.
// Knows revisions and times that it is told; no clock, no thread, no file. A value; one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace server {

struct WritePace {
    std::chrono::milliseconds first_delay{5'000};  // after the first sync: the next one may be near
    std::chrono::milliseconds interval{30'000};    // from one write to the next
    std::chrono::seconds refresh{3'600};           // how old a file may get that needs no change
    std::chrono::milliseconds tick{1'000};         // how often changes are looked for
};

class WriteSchedule {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit WriteSchedule(const WritePace& pace) : pace_(pace) {}

    /// `as_of`: when `revision` was known to be the cluster's state.
    bool due(std::uint64_t revision, std::chrono::sys_seconds as_of, Time now) {
        first_seen_ = first_seen_.value_or(now);
        if (!tried_) {
            return now - *first_seen_ >= pace_.first_delay;
        }
        // A file of the future, by a clock that has been set back, would not be read at a start.
        const bool of_the_future = stamp_ - as_of > std::chrono::minutes(1);
        return (changed(revision) || as_of - stamp_ >= pace_.refresh || of_the_future) &&
               now - *tried_ >= pace_.interval;
    }

    /// The file, as far as is known, is not of `revision`.
    bool changed(std::uint64_t revision) const { return written_ != revision; }

    void wrote(std::uint64_t revision, std::chrono::sys_seconds as_of, Time now) {
        tried_ = now;
        written_ = revision;
        stamp_ = as_of;
    }
    void failed(Time now) { tried_ = now; }

  private:
    WritePace pace_;
    std::optional<Time> first_seen_, tried_;
    std::optional<std::uint64_t> written_;
    std::chrono::sys_seconds stamp_{};
};

}  // namespace server
