// A worker's epoll set.
// Knows descriptors and the tag that comes back with their events; knows nothing of what they are.
// Owns the epoll descriptor only. On the worker's thread only.
#pragma once

#include <cstdint>
#include <sys/epoll.h>
#include <system_error>

#include "server/sockets.h"

namespace server {

/// What an event is about: a kind, a number within it, and which use of that number.
struct EventTag {
    enum class Kind : std::uint8_t { Wake, Udp, TcpListener, TcpConnection, Upstream };
    Kind kind = Kind::Wake;
    std::uint32_t index = 0;
    std::uint32_t generation = 0;  // 24 bits
};

class EventPoll {
  public:
    EventPoll() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
        if (!fd_) {
            throw std::system_error(errno, std::generic_category(), "epoll_create1");
        }
    }

    int fd() const { return fd_.get(); }

    /// False if the kernel refuses (out of watches or memory).
    bool add(int fd, std::uint32_t events, EventTag tag) const {
        return control(EPOLL_CTL_ADD, fd, events, tag);
    }
    bool modify(int fd, std::uint32_t events, EventTag tag) const {
        return control(EPOLL_CTL_MOD, fd, events, tag);
    }
    void remove(int fd) const { (void)epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    static EventTag tag_of(const epoll_event& event) {
        const std::uint64_t d = event.data.u64;
        return {static_cast<EventTag::Kind>(d >> 56), static_cast<std::uint32_t>(d),
                static_cast<std::uint32_t>(d >> 32 & 0xffffffU)};
    }

  private:
    bool control(int operation, int fd, std::uint32_t events, EventTag tag) const {
        epoll_event event{};
        event.events = events;
        event.data.u64 = static_cast<std::uint64_t>(tag.kind) << 56 |
                         static_cast<std::uint64_t>(tag.generation & 0xffffffU) << 32 | tag.index;
        return epoll_ctl(fd_.get(), operation, fd, &event) == 0;
    }

    Fd fd_;
};

}  // namespace server
