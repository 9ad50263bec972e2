// Which channel a descriptor belongs to, and which channels have something to send.
// Tells the reactor what to wait for; knows nothing of what is sent. One for each forwarder, on its
// thread; borrows the channels, which take themselves out.
#pragma once

#include <cstdint>
#include <vector>

#include "resolver/forward.h"
#include "resolver/udp_port.h"

namespace resolver {

class Channel;

class SocketTable {
  public:
    explicit SocketTable(Reactor& reactor) : reactor_(reactor) {}
    void watch(Channel& channel, int fd, bool readable, bool writable);
    Channel* find(int fd) const;
    Datagrams& datagrams() { return datagrams_; }
    /// That one's port has something to send.
    void note_unsent(Channel& channel) { unsent_.push_back(&channel); }
    bool has_unsent() const { return !unsent_.empty(); }
    void forget_unsent(Channel& channel) { std::erase(unsent_, &channel); }
    void flush();
    /// Another number after each flush().
    std::uint64_t round() const { return round_; }

  private:
    Reactor& reactor_;
    Datagrams datagrams_;             // what a channel reads into
    std::vector<Channel*> channels_;  // by descriptor
    std::vector<Channel*> unsent_, flushing_;
    std::uint64_t round_ = 0;
};

}  // namespace resolver
