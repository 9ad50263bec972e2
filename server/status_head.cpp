#include "server/status_head.h"

namespace server {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

}  // namespace

StatusHead::State StatusHead::add(std::string_view octets) {
    if (state_ != State::Incomplete) {
        return state_;
    }
    const std::size_t before = octets_.size();
    octets_.append(octets.substr(0, most_ - before));
    // It may have begun in what was there.
    const std::size_t end =
        octets_.find(kEndOfHead, before < kEndOfHead.size() ? 0 : before - (kEndOfHead.size() - 1));
    if (end != octets_.npos) {
        octets_.resize(end + kEndOfHead.size());
        state_ = State::Complete;
    } else if (octets_.size() == most_) {
        state_ = State::TooLarge;
    }
    return state_;
}

}  // namespace server
