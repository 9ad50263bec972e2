// The head of a request of `status`, as its octets come.
// Knows where it ends, and how long it may be; knows no fields (status_http.h) and no sockets. One
// thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace server {

class StatusHead {
  public:
    enum class State {
        Incomplete,
        Complete,
        TooLarge,  // for good
    };

    /// `most` octets, the empty line at its end among them.
    explicit StatusHead(std::size_t most) : most_(most) {}

    /// More has come; in which pieces makes no difference. What follows a complete head is left
    /// out: nothing here has a body, and a connection asks once.
    State add(std::string_view octets);

    /// Once it is complete, with its empty line; else what there is of it, never over `most`.
    const std::string& octets() const { return octets_; }
    std::string take() { return std::move(octets_); }

  private:
    std::size_t most_;
    State state_ = State::Incomplete;
    std::string octets_;
};

}  // namespace server
