// The UDP socket of one channel, kept open where c-ares would close it.
// c-ares closes its socket whenever nothing is in flight; a socket is kept here for as many queries
// as one source port may have, so that a busy channel does not open one every few queries. Knows
// datagrams and nothing of what they say. Lives on one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

namespace resolver {

/// Datagrams as they came, with room for the longest that c-ares takes. Shared by the ports of one
/// thread: it holds nothing between two calls.
struct Datagrams {
    static constexpr std::size_t kMost = 16;
    static constexpr std::size_t kSize = 4097;

    std::array<std::array<std::uint8_t, kSize>, kMost> octets;
    std::array<sockaddr_storage, kMost> from;
    std::array<socklen_t, kMost> from_size;
    std::array<std::size_t, kMost> size;

    std::span<const std::uint8_t> at(std::size_t i) const { return {octets[i].data(), size[i]}; }
};

class UdpPort {
  public:
    UdpPort() = default;
    ~UdpPort() { close(); }
    UdpPort(const UdpPort&) = delete;
    UdpPort& operator=(const UdpPort&) = delete;

    /// -1: there is none.
    int fd() const { return fd_; }
    bool is(int fd) const { return fd >= 0 && fd == fd_; }

    void open(int fd);
    void close();
    /// 0 or -1 as connect(2), which is called once only.
    int connect(const sockaddr* server, socklen_t length);

    /// It may be used again, after `most` queries no more, and never after an error.
    bool fresh(std::size_t most) const { return connected_ && !spoiled_ && queries_ < most; }
    std::size_t queries() const { return queries_; }
    void count_query() { ++queries_; }
    void spoil() { spoiled_ = true; }

    /// Keeps the datagram for flush(). False if there is no room: flush() comes first.
    bool put(std::span<const iovec> parts);
    bool has_unsent() const { return unsent_count_ > 0; }
    /// Sends what was put, as far as the socket takes it at once; a lost datagram is what time-outs
    /// are for. The error of one that cannot be sent at all, else 0.
    int flush();

    /// How many datagrams have come; or -1 and errno, as recvmmsg(2).
    int receive(Datagrams& datagrams);

    static constexpr std::size_t kMostUnsent = 16;

  private:
    int fd_ = -1;
    bool connected_ = false;
    bool spoiled_ = false;
    std::size_t queries_ = 0;

    static constexpr std::size_t kLongestQuery = 512;
    std::array<std::array<std::uint8_t, kLongestQuery>, kMostUnsent> unsent_;
    std::array<std::size_t, kMostUnsent> unsent_size_;
    std::size_t unsent_count_ = 0;
};

}  // namespace resolver
