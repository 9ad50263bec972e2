// Says what is wrong with the API server once, not once per try and resource; and when it is over.
// Knows texts only. Any thread may call; the journal is borrowed.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "k8s_client/source.h"

namespace k8s_client {

class Complaints {
  public:
    explicit Complaints(Journal& journal) : journal_(journal) {}

    /// `who` (a resource) can't go on because of `text`. Written if it is news, or every 10
    /// minutes.
    void raise(std::string_view who, Journal::Level level, const std::string& text);
    /// `who` goes on. Written when it was the last one that could not.
    void settle(std::string_view who);

  private:
    using Clock = std::chrono::steady_clock;

    Journal& journal_;
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> open_;        // by who: the last text
    std::map<std::string, Clock::time_point, std::less<>> told_;  // by text, while any is open
};

}  // namespace k8s_client
