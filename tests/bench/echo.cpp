// The limit that a DNS server is measured against: turns each query round into a fixed A record,
// with the same system calls a server needs (epoll, recvmmsg, sendmmsg) and next to nothing else.
// IPv4 only. On the wildcard address a reply leaves from the address that was asked, as a server
// has to see to there.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <getopt.h>
#include <memory>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kHeader = 12;

struct Options {
    std::uint16_t port = 0;
    bool wildcard = false;
    unsigned threads = 1;
    std::size_t reply_size = 0;  // at least; what is missing is whatever the buffer holds
};

struct Datagram {
    std::array<std::uint8_t, 1500> octets;
    sockaddr_in peer;
    iovec span;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control;
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

/// The address that was asked stays; the interface is left to routing.
void aim_reply(msghdr& message) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            reinterpret_cast<in_pktinfo*>(CMSG_DATA(c))->ipi_ifindex = 0;
        }
    }
}

class Echo {
  public:
    Echo(int fd, const Options& options) : fd_(fd), options_(options) {}

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
    msghdr header(Datagram& datagram) const {
        msghdr h{};
        h.msg_name = &datagram.peer;
        h.msg_namelen = sizeof datagram.peer;
        h.msg_iov = &datagram.span;
        h.msg_iovlen = 1;
        if (options_.wildcard) {
            h.msg_control = datagram.control.data();
            h.msg_controllen = datagram.control.size();
        }
        return h;
    }

    void reply(std::size_t got) {
        unsigned count = 0;
        for (std::size_t i = 0; i < got; ++i) {
            const std::size_t size = turn_round(datagrams_[i], in_[i].msg_len);
            if (size != 0) {
                datagrams_[i].span.iov_len = std::max(size, options_.reply_size);
                aim_reply(in_[i].msg_hdr);
                out_[count++].msg_hdr = in_[i].msg_hdr;
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
    const Options& options_;
    std::array<Datagram, kBatch> datagrams_{};
    std::array<mmsghdr, kBatch> in_{}, out_{};
};

int listen_on(const Options& options) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const int size = 4 << 20, on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (options.wildcard) {
        setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    address.sin_addr.s_addr = htonl(options.wildcard ? INADDR_ANY : INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::perror("bind");
        std::exit(1);
    }
    return fd;
}

void serve(int fd, const Options& options) {
    const int epoll = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    const auto echo = std::make_unique<Echo>(fd, options);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) > 0) {
            echo->drain();
        }
    }
}

Options parse(int argc, char** argv) {
    const option flags[] = {{"port", required_argument, nullptr, 'p'},
                            {"wildcard", no_argument, nullptr, 'w'},
                            {"threads", required_argument, nullptr, 't'},
                            {"reply-size", required_argument, nullptr, 'r'},
                            {}};
    Options options;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, nullptr)) != -1;) {
        const auto number = optarg == nullptr ? 0UL : std::strtoul(optarg, nullptr, 10);
        switch (flag) {
            case 'p':
                options.port = static_cast<std::uint16_t>(number);
                break;
            case 'w':
                options.wildcard = true;
                break;
            case 't':
                options.threads = static_cast<unsigned>(number);
                break;
            case 'r':
                options.reply_size = std::min(number, sizeof(Datagram::octets));
                break;
            default:
                options.port = 0;
                optind = argc;
        }
    }
    if (options.port == 0 || options.threads == 0 || optind != argc) {
        std::fputs("usage: echo --port PORT [--wildcard] [--threads N] [--reply-size OCTETS]\n",
                   stderr);
        std::exit(2);
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    std::vector<int> sockets;
    for (unsigned i = 0; i < options.threads; ++i) {
        sockets.push_back(listen_on(options));
    }
    std::vector<std::thread> others;
    for (unsigned i = 1; i < options.threads; ++i) {
        others.emplace_back(serve, sockets[i], std::cref(options));
    }
    serve(sockets[0], options);
}
