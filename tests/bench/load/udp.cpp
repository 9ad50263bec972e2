#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/load/run.h"

namespace load {
namespace {

constexpr unsigned kBatch = 64;
constexpr int kEvents = 64;
constexpr std::size_t kOpenInFlight = 4096;  // a socket, in an open loop

/// Room for one recvmmsg or sendmmsg; all sockets share it, so that it stays in the CPU's cache.
struct Batch {
    Batch() {
        for (unsigned i = 0; i < kBatch; ++i) {
            spans[i] = {octets[i].data(), octets[i].size()};
            messages[i].msg_hdr.msg_iov = &spans[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
    }

    std::array<std::array<std::uint8_t, 2048>, kBatch> octets{};
    std::array<iovec, kBatch> spans{};
    std::array<mmsghdr, kBatch> messages{};
    unsigned used = 0;
};

struct Shared {
    Questions& questions;
    Totals& totals;
    Batch in, out;
};

class Socket {
  public:
    Socket(std::uint16_t port, std::size_t in_flight, Shared& shared)
        : shared_(shared), in_flight_(in_flight) {
        fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        const int size = 4 << 20;
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        const sockaddr_in server = loopback(port);
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
            fail("connect");
        }
    }

    int fd() const { return fd_; }
    std::size_t waiting() const { return in_flight_.count(); }

    /// Leaves a query in the batch; flush() before another socket's turn.
    void ask(Clock::time_point due) {
        const std::uint32_t question = shared_.questions.next();
        const auto id = in_flight_.add(question, due);
        if (!id) {
            shared_.totals.lose(1);
            return;
        }
        Batch& out = shared_.out;
        const Octets query = shared_.questions.query(question);
        auto& octets = out.octets[out.used];
        std::memcpy(octets.data(), query.data(), query.size());
        octets[0] = static_cast<std::uint8_t>(*id >> 8);
        octets[1] = static_cast<std::uint8_t>(*id);
        out.spans[out.used++].iov_len = query.size();
        if (out.used == kBatch) {
            flush();
        }
    }

    void flush() {
        Batch& out = shared_.out;
        for (unsigned sent = 0; sent < out.used;) {
            const int count = sendmmsg(fd_, &out.messages[sent], out.used - sent, 0);
            if (count < 0 && errno != EAGAIN) {
                break;  // counted as lost when its time is over
            }
            sent += static_cast<unsigned>(std::max(count, 0));
        }
        out.used = 0;
    }

    /// Takes what has arrived; how many queries that answers.
    std::size_t receive(Clock::time_point& now) {
        Batch& in = shared_.in;
        const int got = recvmmsg(fd_, in.messages.data(), kBatch, 0, nullptr);
        now = Clock::now();
        std::size_t answers = 0;
        for (int i = 0; i < got; ++i) {
            const auto k = static_cast<std::size_t>(i);
            const auto& octets = in.octets[k];
            const auto id = static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
            if (const auto query = in_flight_.take(id)) {
                shared_.totals.count(*query, {octets.data(), in.messages[k].msg_len}, now);
                ++answers;
            }
        }
        return answers;
    }

    std::size_t give_up(Clock::time_point now) {
        const std::size_t gone = in_flight_.give_up(now - kGiveUp);
        shared_.totals.lose(gone);
        return gone;
    }

  private:
    Shared& shared_;
    InFlight in_flight_;
    int fd_ = -1;
};

class Load {
  public:
    Load(const Options& options, Questions& questions, Totals& totals)
        : options_(options), shared_(new Shared{questions, totals, {}, {}}) {
        const std::size_t room = options.rate > 0 ? kOpenInFlight : 4UL * options.in_flight_each();
        for (unsigned i = 0; i < options.sockets; ++i) {
            sockets_.push_back(std::make_unique<Socket>(options.port, room, *shared_));
            watch(epoll_, sockets_[i]->fd(), EPOLLIN, i);
        }
    }

    void run_closed() {
        shared_->totals.begin();
        Clock::time_point now = Clock::now();
        const Clock::time_point end = now + options_.length();
        for (auto& socket : sockets_) {
            ask(*socket, options_.in_flight_each(), now);
        }
        for (Clock::time_point check = now + kGiveUp / 2; now < end; now = Clock::now()) {
            receive(50, [](Socket& socket, std::size_t answers, Clock::time_point at) {
                ask(socket, answers, at);
            });
            if (now > check) {
                check = now + kGiveUp / 2;
                for (auto& socket : sockets_) {
                    ask(*socket, socket->give_up(now), now);
                }
            }
        }
        shared_->totals.end();
    }

    /// Never sleeps, so that what is due goes out at once; but beside hostile clients it does until
    /// something is due, since a load that always runs is one that is set aside now and then.
    void run_open() {
        Hostile hostile(options_.port, options_.hostile);
        shared_->totals.begin();
        const Clock::time_point start = Clock::now();
        const Clock::time_point end = start + options_.length();
        const std::chrono::duration<double> each(1 / options_.rate);
        std::size_t sent = 0, turn = 0;
        Clock::time_point now = start;
        for (; now < end; now = Clock::now()) {
            const auto due = static_cast<std::size_t>((now - start) / each);
            Socket& socket = *sockets_[++turn % sockets_.size()];
            for (; sent < due; ++sent) {
                const auto since = std::chrono::duration_cast<Clock::duration>(
                    each * static_cast<double>(sent + 1));
                shared_->totals.sent_late(now - (start + since));
                socket.ask(start + since);
            }
            socket.flush();
            hostile.act(now);
            const auto next = std::min(
                hostile.next(),
                start + std::chrono::ceil<Clock::duration>(each * static_cast<double>(sent + 1)));
            wait_until(hostile.is_there() ? next : now);
            receive(0, [](Socket&, std::size_t, Clock::time_point) {});
        }
        shared_->totals.end();
        shared_->totals.count_hostile(hostile.sent(), hostile.connections());
        finish(end + kGiveUp);
    }

  private:
    static void ask(Socket& socket, std::size_t count, Clock::time_point due) {
        for (; count > 0; --count) {
            socket.ask(due);
        }
        socket.flush();
    }

    /// Or until there is a reply.
    void wait_until(Clock::time_point until) const {
        const auto left = std::chrono::nanoseconds(until - Clock::now());
        if (left.count() > 0) {
            pollfd replies{epoll_, POLLIN, 0};
            const timespec time{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
            (void)ppoll(&replies, 1, &time, nullptr);
        }
    }

    template <typename Then>
    void receive(int milliseconds, Then then) {
        const int ready = epoll_wait(epoll_, events_.data(), kEvents, milliseconds);
        for (int i = 0; i < ready; ++i) {
            Socket& socket = *sockets_[events_[static_cast<std::size_t>(i)].data.u64];
            Clock::time_point now;
            const std::size_t answers = socket.receive(now);
            then(socket, answers, now);
        }
    }

    /// Waits for what is in flight; the rest is lost.
    void finish(Clock::time_point until) {
        const auto waits = [](const auto& socket) { return socket->waiting() > 0; };
        while (Clock::now() < until && std::any_of(sockets_.begin(), sockets_.end(), waits)) {
            receive(1, [](Socket&, std::size_t, Clock::time_point) {});
        }
        for (auto& socket : sockets_) {
            socket->give_up(Clock::time_point::max());
        }
    }

    const Options& options_;
    std::unique_ptr<Shared> shared_;
    int epoll_ = epoll_create1(0);
    std::vector<std::unique_ptr<Socket>> sockets_;
    std::array<epoll_event, kEvents> events_{};
};

}  // namespace

void run_udp(const Options& options, Questions& questions, Totals& totals) {
    Load load(options, questions, totals);
    if (options.rate > 0) {
        load.run_open();
    } else {
        load.run_closed();
    }
}

}  // namespace load
