// One UDP socket of one worker: queries in, replies out, in batches.
// Knows recvmmsg, sendmmsg and the control messages that keep a reply's source address; knows
// nothing of DNS. The buffers are the worker's, shared by its sockets. On the worker's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

#include "server/client.h"
#include "server/pipeline.h"
#include "server/sockets.h"

namespace server {

/// Room for one batch, about 220 KiB with replies of kUdpSize. Ready for recvmmsg() whenever no
/// batch is in hand.
struct UdpBatch {
    /// `reply_size` is the most octets that a reply can have.
    explicit UdpBatch(std::size_t reply_size = zones::kUdpSize);

    /// Makes the first `count` entries ready again after a recvmmsg() that filled them.
    void reset(std::size_t count);

    /// The reply to that query, of `size` octets, is the one at `place` of those to be sent.
    void add_reply(std::size_t query, std::size_t place, std::size_t size);

    static constexpr std::size_t kSize = 64;
    /// Longer than any sensible query; the kernel cuts what is longer, which then is malformed. An
    /// odd number of cache lines: with a power of two all queries would begin in the same few sets.
    static constexpr std::size_t kQuerySize = 33 * 64;

    std::span<std::uint8_t> reply(std::size_t i) {
        return std::span(replies).subspan(i * reply_size, reply_size);
    }

    std::array<std::array<std::uint8_t, kQuerySize>, kSize> queries;
    std::size_t reply_size;  // likewise
    std::vector<std::uint8_t> replies;
    std::array<Client, kSize> clients;
    std::array<iovec, kSize> in_io, out_io;
    std::array<mmsghdr, kSize> in, out;
};

/// Replies that were not ready when their queries were handled, until they are sent together.
struct LateReplies {
    static constexpr std::size_t kSize = 64;

    explicit LateReplies(std::size_t size) : reply_size(size), replies(kSize * size) {}

    std::size_t reply_size;
    std::vector<std::uint8_t> replies;
    std::array<Client, kSize> clients;
    std::array<iovec, kSize> io;
    std::array<mmsghdr, kSize> out;
    unsigned count = 0;
};

class UdpSocket {
  public:
    /// `index` is what its clients carry.
    UdpSocket(Fd fd, bool wildcard, std::uint32_t index);

    int fd() const { return fd_.get(); }

    /// Answers what has arrived, a batch at most; true if there may be more.
    bool serve(UdpBatch& batch, Pipeline& pipeline, const Route& route);

    /// New datagrams go to other sockets that have the address; what has arrived can still be
    /// served, and replies leave as before.
    void stop_receiving();

    /// A reply on its own: sent with flush(), or before.
    void send(const Client& client, const std::uint8_t* reply, std::size_t size);
    /// After everything that may have called send().
    void flush();

    std::uint64_t unsent() const { return unsent_; }
    /// Since the last call.
    std::uint64_t take_unsent() { return std::exchange(unsent_, 0); }
    /// Datagrams that the kernel has dropped since the last call: the queue was full. A system
    /// call.
    std::uint64_t take_overflows();
    /// Whether a thousand datagrams wait, or what fills three quarters of a small queue. The kernel
    /// counts some that were read, as many as wait at most. A system call.
    bool has_long_queue() const;

  private:
    const Client& take_client(UdpBatch& batch, std::size_t i) const;
    void send_all(mmsghdr* messages, unsigned count);

    Fd fd_;
    std::uint32_t index_;
    bool wildcard_;
    std::uint64_t unsent_ = 0;
    std::uint32_t overflows_;            // as the kernel counts them
    std::unique_ptr<LateReplies> late_;  // null until there is one
};

}  // namespace server
