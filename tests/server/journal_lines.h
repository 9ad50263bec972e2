// Keeps what is said to the operator, for a test to look at.
// Any thread may write; read when nobody writes any more, or by count().
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "k8s_client/source.h"

namespace server::testing {

class JournalLines : public k8s_client::Journal {
  public:
    void write(Level /*level*/, const std::string& text) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back(text);
    }
    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace server::testing
