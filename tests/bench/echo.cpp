// The limit that a DNS server is measured against: turns each query round into a fixed A record,
// with the same system calls a server needs (epoll, recvmmsg, sendmmsg) and next to nothing else.
// One thread, IPv4 loopback only. usage: echo PORT
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kHeader = 12;

struct Datagram {
    std::array<std::uint8_t, 1500> octets;
    sockaddr_in peer;
    iovec span;
};

// A pointer to the question's name, A, IN, TTL 30, 10.96.1.2.
constexpr std::array<std::uint8_t, 16> kRecord = {0xc0, kHeader, 0, 1, 0,  1,  0, 0,
                                                  0,    30,      0, 4, 10, 96, 1, 2};

/// The size of the answer made in place; 0 if this is no query.
std::size_t turn_round(Datagram& datagram, std::size_t size) {
    auto& m = datagram.octets;
    if (size < kHeader + 5 || (m[2] & 0x80) != 0) {
        return 0;
    }
    std::size_t end = kHeader;
    while (end < size && m[end] != 0) {
        end += m[end] + 1U;
    }
    end += 5;  // the root label, type and class
    if (end > size || end + kRecord.size() > m.size()) {
        return 0;
    }
    m[2] = static_cast<std::uint8_t>(0x84 | (m[2] & 1));  // QR, AA, RD as asked
    m[3] = 0;
    const std::array<std::uint8_t, 6> counts = {0, 1, 0, 0, 0, 0};
    std::memcpy(&m[6], counts.data(), counts.size());
    std::memcpy(&m[end], kRecord.data(), kRecord.size());
    return end + kRecord.size();
}

class Echo {
  public:
    explicit Echo(int fd) : fd_(fd) {}

    /// Answers until the socket is empty.
    void drain() {
        for (std::size_t got = kBatch; got == kBatch;) {
            for (std::size_t i = 0; i < kBatch; ++i) {
                datagrams_[i].span = {datagrams_[i].octets.data(), datagrams_[i].octets.size()};
                in_[i].msg_hdr = header(datagrams_[i]);
            }
            const int received = recvmmsg(fd_, in_.data(), kBatch, 0, nullptr);
            if (received <= 0) {
                return;
            }
            got = static_cast<std::size_t>(received);
            reply(got);
        }
    }

  private:
    static msghdr header(Datagram& datagram) {
        msghdr h{};
        h.msg_name = &datagram.peer;
        h.msg_namelen = sizeof datagram.peer;
        h.msg_iov = &datagram.span;
        h.msg_iovlen = 1;
        return h;
    }

    void reply(std::size_t got) {
        unsigned count = 0;
        for (std::size_t i = 0; i < got; ++i) {
            const std::size_t size = turn_round(datagrams_[i], in_[i].msg_len);
            if (size != 0) {
                datagrams_[i].span.iov_len = size;
                out_[count++].msg_hdr = header(datagrams_[i]);
            }
        }
        for (unsigned sent = 0; sent < count;) {
            const int now = sendmmsg(fd_, &out_[sent], count - sent, 0);
            if (now <= 0) {
                return;
            }
            sent += static_cast<unsigned>(now);
        }
    }

    int fd_;
    std::array<Datagram, kBatch> datagrams_;
    std::array<mmsghdr, kBatch> in_{}, out_{};
};

int listen_on(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::perror("bind");
        std::exit(1);
    }
    return fd;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: echo PORT\n", stderr);
        return 2;
    }
    const int fd = listen_on(static_cast<std::uint16_t>(std::atoi(argv[1])));
    const int epoll = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    static Echo echo(fd);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) > 0) {
            echo.drain();
        }
    }
}
