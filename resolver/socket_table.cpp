#include "resolver/socket_table.h"

#include "resolver/channel.h"

namespace resolver {

void SocketTable::watch(Channel& channel, int fd, bool readable, bool writable) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= channels_.size())
        channels_.resize(index + 1);
    channels_[index] = readable || writable ? &channel : nullptr;
    reactor_.watch(fd, readable, writable);
}

void SocketTable::flush() {
    ++round_;
    flushing_.swap(unsent_);  // what cannot be sent may leave something on another channel
    for (auto* channel : flushing_)
        channel->flush();
    flushing_.clear();
}

Channel* SocketTable::find(int fd) const {
    const auto index = static_cast<std::size_t>(fd);
    return fd >= 0 && index < channels_.size() ? channels_[index] : nullptr;
}

}  // namespace resolver
