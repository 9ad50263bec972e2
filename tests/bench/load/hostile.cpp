#include "tests/bench/load/hostile.h"

#include <algorithm>
#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/run.h"

namespace load {
namespace {

constexpr std::uint32_t kFirstSource = 0x7f000042;  // 127.0.0.66
constexpr const char* kMalformed = "malformed";
constexpr unsigned kFloodSockets = 8, kDripSources = 4;

void append_label(std::vector<std::uint8_t>& out, const std::string& label) {
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
}

/// The name's labels and the root, A, IN.
std::vector<std::uint8_t> question_of(const std::string& name) {
    std::vector<std::uint8_t> out;
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        append_label(out, name.substr(at, dot - at));
        at = dot + 1;
    }
    out.insert(out.end(), {0, 0, 1, 0, 1});
    return out;
}

int open_from(std::uint32_t source, int kind) {
    const int fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0);
    const int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    sockaddr_in client = loopback(0);
    client.sin_addr.s_addr = htonl(source);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&client), sizeof client) != 0) {
        fail("bind");
    }
    return fd;
}

const std::vector<std::uint8_t>& dripped() {
    static const std::vector<std::uint8_t> message = [] {
        std::vector<std::uint8_t> out = {0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
        const auto question = question_of("a-name-that-takes-its-time.default.svc.cluster.local");
        out.insert(out.end(), question.begin(), question.end());
        out[1] = static_cast<std::uint8_t>(out.size() - 2);
        return out;
    }();
    return message;
}

}  // namespace

struct Hostile::Batch {
    std::array<std::array<std::uint8_t, 512>, kBatch> octets{};
    std::array<iovec, kBatch> spans{};
    std::array<mmsghdr, kBatch> messages{};
};

Hostile::Hostile(std::uint16_t port, const HostileOptions& options)
    : port_(port), options_(options), batch_(std::make_unique<Batch>()), began_(Clock::now()) {
    for (const std::string& kind : options.kinds) {
        under_.push_back(question_of(kind == kMalformed ? "default.svc.cluster.local" : kind));
    }
    const sockaddr_in server = loopback(port);
    for (unsigned i = 0; i < kFloodSockets && options.rate > 0; ++i) {
        const int fd = open_from(kFirstSource, SOCK_DGRAM), size = 1;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        if (connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
            fail("connect");
        }
        sockets_.push_back(fd);
    }
    for (unsigned i = 0; i < kBatch; ++i) {
        batch_->spans[i].iov_base = batch_->octets[i].data();
        batch_->messages[i].msg_hdr.msg_iov = &batch_->spans[i];
        batch_->messages[i].msg_hdr.msg_iovlen = 1;
    }
    drips_.resize(options.drips);
    for (std::size_t i = 0; i < drips_.size(); ++i) {
        drips_[i].next = began_ + std::chrono::milliseconds(1000 * i / drips_.size());
    }
}

Hostile::~Hostile() {
    std::ranges::for_each(sockets_, [](int fd) { close(fd); });
    for (const Drip& one : drips_) {
        if (one.fd >= 0) {
            close(one.fd);
        }
    }
}

void Hostile::act(Clock::time_point now) {
    const std::chrono::duration<double> passed = now - began_;
    const auto due = static_cast<std::size_t>(passed.count() * options_.rate);
    if (due >= sent_ + kBatch) {
        send_batch();
        if (due > sent_ + 1000 * kBatch) {
            sent_ = due;  // held up: no burst to catch up
        }
    }
    // They are in the order of their turns.
    for (; !drips_.empty() && drips_[next_drip_].next <= now;
         next_drip_ = (next_drip_ + 1) % drips_.size()) {
        drip(drips_[next_drip_]);
        drips_[next_drip_].next = now + std::chrono::seconds(1);
    }
}

Clock::time_point Hostile::next() const {
    Clock::time_point next = Clock::time_point::max();
    if (options_.rate > 0) {
        const std::chrono::duration<double> at(static_cast<double>(sent_ + kBatch) / options_.rate);
        next = began_ + std::chrono::ceil<Clock::duration>(at);
    }
    return drips_.empty() ? next : std::min(next, drips_[next_drip_].next);
}

void Hostile::send_batch() {
    for (unsigned i = 0; i < kBatch; ++i) {
        const std::size_t kind = i % under_.size();
        const std::size_t size = write_query(batch_->octets[i], under_[kind]);
        batch_->spans[i].iov_len = options_.kinds[kind] == kMalformed
                                       ? write_malformed(std::span(batch_->octets[i]).first(size))
                                       : size;
    }
    const int fd = sockets_[++turn_ % sockets_.size()];
    (void)sendmmsg(fd, batch_->messages.data(), kBatch, 0);
    sent_ += kBatch;
}

std::size_t Hostile::write_query(std::span<std::uint8_t> out,
                                 const std::vector<std::uint8_t>& under) {
    constexpr std::array<std::uint8_t, 12> kHeader = {0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    constexpr std::size_t kLabel = 12;
    auto at = std::copy(kHeader.begin(), kHeader.end(), out.begin());
    *at++ = kLabel;
    for (std::size_t i = 0; i < kLabel; ++i) {
        *at++ = static_cast<std::uint8_t>('a' + (random_() >> 8) % 26);
    }
    at = std::copy(under.begin(), under.end(), at);
    return static_cast<std::size_t>(at - out.begin());
}

/// Out of a query: cut, noise, another count of questions or records, a length that no label has, a
/// pointer to itself. Its size.
std::size_t Hostile::write_malformed(std::span<std::uint8_t> query) {
    constexpr std::size_t kQuestions = 5, kName = 12;
    const auto drawn = static_cast<std::uint8_t>(random_() >> 8);
    switch ((random_() >> 8) % 6) {
        case 0:
            return drawn % query.size();
        case 1:
            std::ranges::generate(query,
                                  [this] { return static_cast<std::uint8_t>(random_() >> 8); });
            break;
        case 2:
            query[kQuestions] = static_cast<std::uint8_t>(drawn | 2U);
            break;
        case 3:
            query[kQuestions + 6] = static_cast<std::uint8_t>(drawn | 1U);
            break;
        case 4:
            query[kName] = static_cast<std::uint8_t>(0x40U | (drawn & 0x7fU));
            break;
        default:
            query[kName] = 0xc0;
            query[kName + 1] = kName;
    }
    return query.size();
}

/// Who was closed, for it takes too long, connects again.
void Hostile::drip(Drip& one) {
    std::uint8_t octet = 0;
    if (one.fd >= 0 && (recv(one.fd, &octet, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)) {
        close(one.fd);
        one.fd = -1;
    }
    if (one.fd < 0) {
        const sockaddr_in server = loopback(port_);
        one.fd = open_from(kFirstSource + 1 + connections_++ % kDripSources, SOCK_STREAM);
        one.at = 0;
        (void)connect(one.fd, reinterpret_cast<const sockaddr*>(&server), sizeof server);
    }
    (void)send(one.fd, &dripped()[one.at++ % dripped().size()], 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace load
