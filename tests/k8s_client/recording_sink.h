// An ObjectSink and Journal that keep all they are told, and can be waited on.
// Both are called from the source's thread and read from the test's, under one mutex.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "k8s_client/object_kinds.h"
#include "k8s_client/source.h"

namespace k8s_client {

class RecordingSink : public ObjectSink, public Journal {
  public:
    using Clock = std::chrono::steady_clock;

    void apply(std::span<const Change> changes) override {
        const std::scoped_lock lock(mutex_);
        batches_.emplace_back(changes.begin(), changes.end());
        for (const Change& change : changes) {
            if (change.type == Change::Type::Applied) {
                objects_.insert_or_assign(full_name_of(change.object), change.object);
            } else {
                deleted_unknown_ |= objects_.erase(full_name_of(change.object)) == 0;
            }
        }
        last_apply_ = Clock::now();
        told_.notify_all();
    }
    void synced() override {
        const std::scoped_lock lock(mutex_);
        ++synced_;
    }
    void refused_objects(std::uint64_t objects) override {
        const std::scoped_lock lock(mutex_);
        refused_objects_ += objects;
    }
    void refused_file() override {
        const std::scoped_lock lock(mutex_);
        ++refused_files_;
    }
    void write(Level level, const std::string& text) override {
        const std::scoped_lock lock(mutex_);
        lines_.push_back((level == Level::Error     ? "E "
                          : level == Level::Warning ? "W "
                                                    : "I ") +
                         text);
        told_.notify_all();
    }

    /// Waits until so many batches have come in all; false after five seconds.
    bool wait_batches(std::size_t count) {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, kPatience, [&] { return batches_.size() >= count; });
    }
    bool wait_object(const std::string& name, bool present = true) {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, kPatience, [&] { return objects_.contains(name) == present; });
    }
    bool wait_line(const std::string& part) {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, kPatience, [&] { return count(part) > 0; });
    }

    std::vector<std::vector<Change>> batches() {
        const std::scoped_lock lock(mutex_);
        return batches_;
    }
    std::vector<std::string> names() {
        const std::scoped_lock lock(mutex_);
        std::vector<std::string> names;
        for (const auto& entry : objects_) {
            names.push_back(entry.first);
        }
        return names;
    }
    Object object(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        return objects_.at(name);
    }
    bool has_object(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        return objects_.contains(name);
    }
    std::vector<std::string> lines() {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }
    std::size_t lines_with(const std::string& part) {
        const std::scoped_lock lock(mutex_);
        return count(part);
    }
    std::string last_line() {
        const std::scoped_lock lock(mutex_);
        return lines_.empty() ? "" : lines_.back();
    }
    std::uint64_t refused_object_count() {
        const std::scoped_lock lock(mutex_);
        return refused_objects_;
    }
    std::uint64_t refused_file_count() {
        const std::scoped_lock lock(mutex_);
        return refused_files_;
    }
    Clock::time_point last_apply() {
        const std::scoped_lock lock(mutex_);
        return last_apply_;
    }
    int synced_count() {
        const std::scoped_lock lock(mutex_);
        return synced_;
    }
    /// Something was deleted that was not there.
    bool deleted_unknown() {
        const std::scoped_lock lock(mutex_);
        return deleted_unknown_;
    }

  private:
    static constexpr std::chrono::seconds kPatience{5};

    std::size_t count(const std::string& part) const {
        std::size_t found = 0;
        for (const std::string& line : lines_) {
            found += line.find(part) != std::string::npos ? 1U : 0U;
        }
        return found;
    }

    std::mutex mutex_;
    std::condition_variable told_;
    std::vector<std::vector<Change>> batches_;
    std::map<std::string, Object> objects_;
    std::vector<std::string> lines_;
    Clock::time_point last_apply_;
    int synced_ = 0;
    std::uint64_t refused_objects_ = 0;
    std::uint64_t refused_files_ = 0;
    bool deleted_unknown_ = false;
};

}  // namespace k8s_client
