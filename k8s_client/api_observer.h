// Told what is asked of the API server and what comes of it; whoever counts.
// An interface beside Journal, which is for people. Called from all threads of a source, several at
// a time perhaps; outlives the source.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace k8s_client {

class ApiObserver {
  public:
    virtual ~ApiObserver() = default;
    /// A request got an answer with that HTTP status; 0: it got none.
    virtual void answered(int status) = 0;
    /// A request that is not a watch has ended, so long after it was begun.
    virtual void took(std::chrono::nanoseconds duration) = 0;
    /// Our own limits (request_gate.h) held a request back so long.
    virtual void held_back(std::chrono::nanoseconds duration) = 0;
    /// All of a resource has been listed; `services`.
    virtual void listed(std::string_view resource) = 0;
    /// Comparing has found so many objects whose changes were lost.
    virtual void repaired(std::uint64_t objects) = 0;
    /// A list or watch of it was given up for what it held.
    virtual void malformed(std::string_view resource) = 0;
};

}  // namespace k8s_client
