// Hands immutable values from one writer to many readers.
// A reader keeps its own reference and looks at a generation number (one relaxed-cost load) to
// learn that there is a newer value; only then does it take the lock. The writer never waits for
// readers. publish() from any one thread at a time; each Reader belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace server {

template <typename T>
class Published {
  public:
    explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}

    void publish(std::shared_ptr<const T> next) {
        std::shared_ptr<const T> old;  // let go of outside the lock
        const std::lock_guard lock(mutex_);
        old = std::exchange(value_, std::move(next));
        generation_.fetch_add(1, std::memory_order_release);
    }

    /// For who looks seldom, and keeps nothing meanwhile. Any thread.
    std::shared_ptr<const T> value() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

    class Reader {
      public:
        explicit Reader(const Published& source) : source_(&source) { take(); }

        /// Once per batch, and per tick so that an idle reader pins no old value. True if newer.
        bool refresh() {
            if (source_->generation_.load(std::memory_order_acquire) == generation_) {
                return false;
            }
            take();
            return true;
        }

        /// Valid until the next refresh().
        const T& current() const { return *value_; }

      private:
        void take() {
            std::shared_ptr<const T> old;
            const std::lock_guard lock(source_->mutex_);
            old = std::exchange(value_, source_->value_);
            generation_ = source_->generation_.load(std::memory_order_relaxed);
        }

        const Published* source_;
        std::shared_ptr<const T> value_;
        std::uint64_t generation_ = 0;
    };

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
    std::atomic<std::uint64_t> generation_{1};
};

}  // namespace server
