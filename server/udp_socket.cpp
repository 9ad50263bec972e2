#include "server/udp_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/sock_diag.h>

namespace server {
namespace {

/// Of what the kernel has for waiting datagrams: a thousand of them, which take 768 octets or more.
constexpr std::uint32_t kLongQueue = 1 << 20;

/// The received control message becomes the one to send: the address stays, the interface is left
/// to routing, but for link-local addresses, which mean nothing without it (RFC 4007 §6).
void aim_reply(msghdr& message) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_ifindex = 0;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            auto* info = reinterpret_cast<in6_pktinfo*>(CMSG_DATA(c));
            if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr)) {
                info->ipi6_ifindex = 0;
            }
        }
    }
}

/// socket(7), SO_MEMINFO.
std::array<std::uint32_t, SK_MEMINFO_VARS> kernel_counts(int fd) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> counts{};
    socklen_t size = sizeof counts;
    (void)getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts.data(), &size);
    return counts;
}

/// It wraps round.
std::uint32_t kernel_drops(int fd) {
    return kernel_counts(fd)[SK_MEMINFO_DROPS];
}

/// `size` rounded up to an odd number of cache lines.
std::size_t odd_lines(std::size_t size) {
    constexpr std::size_t kLine = 64;
    return ((size + kLine - 1) / kLine | 1U) * kLine;
}

}  // namespace

UdpBatch::UdpBatch(std::size_t size) : reply_size(odd_lines(size)), replies(kSize * reply_size) {
    for (std::size_t i = 0; i < kSize; ++i) {
        in_io[i] = {queries[i].data(), kQuerySize};
        in[i] = {};
        msghdr& message = in[i].msg_hdr;
        message.msg_name = &clients[i].peer;
        message.msg_iov = &in_io[i];
        message.msg_iovlen = 1;
        message.msg_control = clients[i].control;
    }
    reset(kSize);
}

void UdpBatch::reset(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        in[i].msg_hdr.msg_namelen = sizeof(Client::Peer);
        in[i].msg_hdr.msg_controllen = sizeof(Client::control);
    }
}

void UdpBatch::add_reply(std::size_t query, std::size_t place, std::size_t size) {
    out_io[place] = {reply(query).data(), size};
    out[place].msg_hdr = in[query].msg_hdr;
    out[place].msg_hdr.msg_iov = &out_io[place];
}

UdpSocket::UdpSocket(Fd fd, bool wildcard, std::uint32_t index)
    : fd_(std::move(fd)), index_(index), wildcard_(wildcard), overflows_(kernel_drops(fd_.get())) {}

bool UdpSocket::serve(UdpBatch& batch, Pipeline& pipeline, const Route& route) {
    const int received = recvmmsg(fd_.get(), batch.in.data(), UdpBatch::kSize, 0, nullptr);
    if (received <= 0) {
        return false;
    }
    const auto count = static_cast<std::size_t>(received);
    unsigned replies = 0;
    std::array<zones::Octets, Pipeline::kAhead> messages;
    for (std::size_t first = 0; first < count; first += Pipeline::kAhead) {
        const std::size_t run = std::min(count - first, Pipeline::kAhead);
        for (std::size_t i = 0; i < run; ++i) {
            messages[i] = {batch.queries[first + i].data(), batch.in[first + i].msg_len};
        }
        pipeline.expect(std::span(messages).first(run), route);
        for (std::size_t i = 0; i < run; ++i) {
            const Client& client = take_client(batch, first + i);
            const std::size_t size =
                pipeline.handle_expected(i, client, route, batch.reply(first + i)).size;
            if (size > 0) {
                batch.add_reply(first + i, replies++, size);
            }
        }
    }
    send_all(batch.out.data(), replies);
    batch.reset(count);
    return count == UdpBatch::kSize;
}

/// Who has sent the query `i`, and where the reply leaves.
const Client& UdpSocket::take_client(UdpBatch& batch, std::size_t i) const {
    msghdr& message = batch.in[i].msg_hdr;
    Client& client = batch.clients[i];
    client.peer_size = message.msg_namelen;
    client.index = index_;
    client.control_size = message.msg_controllen;
    if (wildcard_) {
        aim_reply(message);
    }
    return client;
}

/// One that is connected gets its peer's datagrams only (udp(7)), and we send none from there: its
/// own address, at the discard port, which no client uses.
void UdpSocket::stop_receiving() {
    Client::Peer self;
    socklen_t size = sizeof self;
    if (getsockname(fd_.get(), &self.any, &size) != 0) {
        return;
    }
    constexpr std::uint16_t kDiscard = 9;
    (self.any.sa_family == AF_INET ? self.v4.sin_port : self.v6.sin6_port) = htons(kDiscard);
    (void)connect(fd_.get(), &self.any, size);
}

void UdpSocket::send_all(mmsghdr* messages, unsigned count) {
    for (unsigned done = 0; done < count;) {
        const int sent = sendmmsg(fd_.get(), messages + done, count - done, 0);
        if (sent > 0) {
            done += static_cast<unsigned>(sent);
        } else if (errno != EINTR) {
            ++done;  // this one cannot be sent; the others may
            ++unsent_;
        }
    }
}

std::uint64_t UdpSocket::take_overflows() {
    const std::uint32_t before = std::exchange(overflows_, kernel_drops(fd_.get()));
    return overflows_ - before;
}

bool UdpSocket::has_long_queue() const {
    const auto counts = kernel_counts(fd_.get());
    return counts[SK_MEMINFO_RMEM_ALLOC] > std::min(counts[SK_MEMINFO_RCVBUF] / 4 * 3, kLongQueue);
}

void UdpSocket::send(const Client& client, const std::uint8_t* reply, std::size_t size) {
    if (late_ == nullptr || size > late_->reply_size) {
        flush();
        late_ = std::make_unique<LateReplies>(std::max<std::size_t>(size, zones::kUdpSize));
    }
    LateReplies& late = *late_;
    const std::size_t i = late.count++;
    std::uint8_t* octets = &late.replies[i * late.reply_size];
    std::memcpy(octets, reply, size);
    late.clients[i] = client;
    late.io[i] = {octets, size};
    msghdr& message = late.out[i].msg_hdr;
    message = {};
    message.msg_name = &late.clients[i].peer;
    message.msg_namelen = client.peer_size;
    message.msg_iov = &late.io[i];
    message.msg_iovlen = 1;
    if (client.control_size > 0) {
        message.msg_control = late.clients[i].control;
        message.msg_controllen = client.control_size;
    }
    if (late.count == LateReplies::kSize) {
        flush();
    }
}

void UdpSocket::flush() {
    if (late_ != nullptr && late_->count > 0) {
        send_all(late_->out.data(), late_->count);
        late_->count = 0;
    }
}

}  // namespace server
