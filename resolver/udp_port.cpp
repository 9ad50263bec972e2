#include "resolver/udp_port.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace resolver {

void UdpPort::open(int fd) {
    close();
    fd_ = fd;
    connected_ = spoiled_ = false;
    queries_ = 0;
}

void UdpPort::close() {
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
    unsent_count_ = 0;
}

int UdpPort::connect(const sockaddr* server, socklen_t length) {
    if (connected_)
        return 0;
    const int failed = ::connect(fd_, server, length);
    connected_ = failed == 0;
    return failed;
}

bool UdpPort::put(std::span<const iovec> parts) {
    if (unsent_count_ == kMostUnsent)
        return false;
    auto& datagram = unsent_[unsent_count_];
    std::size_t size = 0;
    for (const iovec& part : parts) {
        const auto taken = std::min(part.iov_len, datagram.size() - size);
        std::memcpy(datagram.data() + size, part.iov_base, taken);
        size += taken;
    }
    unsent_size_[unsent_count_++] = size;
    return true;
}

int UdpPort::flush() {
    std::array<iovec, kMostUnsent> parts;
    std::array<mmsghdr, kMostUnsent> messages;
    const auto count = static_cast<unsigned>(std::exchange(unsent_count_, 0));
    for (std::size_t i = 0; i < count; ++i) {
        parts[i] = {unsent_[i].data(), unsent_size_[i]};
        messages[i] = {};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned done = 0; done < count;) {
        const int sent = ::sendmmsg(fd_, &messages[done], count - done, MSG_NOSIGNAL);
        if (sent > 0) {
            done += static_cast<unsigned>(sent);
        } else if (errno != EINTR) {
            const bool full = errno == EAGAIN || errno == ENOBUFS;
            if (!full)
                spoil();
            return full ? 0 : errno;
        }
    }
    return 0;
}

int UdpPort::receive(Datagrams& datagrams) {
    std::array<iovec, Datagrams::kMost> parts;
    std::array<mmsghdr, Datagrams::kMost> messages;
    for (std::size_t i = 0; i < Datagrams::kMost; ++i) {
        parts[i] = {datagrams.octets[i].data(), Datagrams::kSize};
        messages[i] = {};
        messages[i].msg_hdr.msg_name = &datagrams.from[i];
        messages[i].msg_hdr.msg_namelen = sizeof datagrams.from[i];
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(fd_, messages.data(), Datagrams::kMost, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        spoil();
    for (int i = 0; i < count; ++i) {
        const auto slot = static_cast<std::size_t>(i);
        datagrams.size[slot] = messages[slot].msg_len;
        datagrams.from_size[slot] = messages[slot].msg_hdr.msg_namelen;
    }
    return count;
}

}  // namespace resolver
