// One UDP socket of one worker: queries in, replies out, in batches.
// Knows recvmmsg, sendmmsg and the control messages that keep a reply's source address; knows
// nothing of DNS. The buffers are the worker's, shared by its sockets. On the worker's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <sys/socket.h>
#include <sys/uio.h>

#include "server/client.h"
#include "server/pipeline.h"
#include "server/sockets.h"

namespace server {

/// Room for one batch, about 220 KiB. Ready for recvmmsg() whenever no batch is in hand.
struct UdpBatch {
    UdpBatch();

    /// Makes the first `count` entries ready again after a recvmmsg() that filled them.
    void reset(std::size_t count);

    static constexpr std::size_t kSize = 64;
    /// Longer than any sensible query; the kernel cuts what is longer, which then is malformed.
    static constexpr std::size_t kQuerySize = 2048;

    std::array<std::array<std::uint8_t, kQuerySize>, kSize> queries;
    std::array<std::array<std::uint8_t, zones::kUdpSize>, kSize> replies;
    std::array<Client, kSize> clients;
    std::array<iovec, kSize> in_io, out_io;
    std::array<mmsghdr, kSize> in, out;
};

/// Replies that were not ready when their queries were handled, until they are sent together.
struct LateReplies {
    static constexpr std::size_t kSize = 64;

    std::array<std::array<std::uint8_t, zones::kUdpSize>, kSize> replies;
    std::array<Client, kSize> clients;
    std::array<iovec, kSize> io;
    std::array<mmsghdr, kSize> out;
    unsigned count = 0;
};

class UdpSocket {
  public:
    /// `index` is what its clients carry.
    UdpSocket(Fd fd, const Route& route, std::uint32_t index);

    int fd() const { return fd_.get(); }

    /// Answers what has arrived, a batch at most; true if there may be more.
    bool serve(UdpBatch& batch, Pipeline& pipeline);

    /// A reply on its own, of kUdpSize octets at most: sent with flush(), or before.
    void send(const Client& client, const std::uint8_t* reply, std::size_t size);
    /// After everything that may have called send().
    void flush();

    std::uint64_t unsent() const { return unsent_; }

  private:
    void send_all(mmsghdr* messages, unsigned count);

    Fd fd_;
    const Route& route_;
    std::uint32_t index_;
    bool wildcard_;
    std::uint64_t unsent_ = 0;
    std::unique_ptr<LateReplies> late_;  // null until there is one
};

}  // namespace server
