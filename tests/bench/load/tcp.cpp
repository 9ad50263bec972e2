#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/run.h"

namespace load {
namespace {

constexpr std::size_t kBuffer = 1 << 18;  // several of the largest messages

/// A connection that stays; opened again if the server closes it.
class Stream {
  public:
    Stream(const Options& options, Questions& questions, Totals& totals)
        : options_(options),
          questions_(questions),
          totals_(totals),
          in_flight_(4UL * options.in_flight_each()) {
        open();
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { close(fd_); }

    int fd() const { return fd_; }

    void ask(std::size_t count, Clock::time_point due) {
        for (; count > 0; --count) {
            const std::uint32_t question = questions_.next();
            const Octets query = questions_.query(question);
            const std::uint16_t id = in_flight_.add(question, due).value_or(0);
            const std::size_t at = out_.size();
            out_.push_back(static_cast<std::uint8_t>(query.size() >> 8));
            out_.push_back(static_cast<std::uint8_t>(query.size()));
            out_.insert(out_.end(), query.begin(), query.end());
            out_[at + 2] = static_cast<std::uint8_t>(id >> 8);
            out_[at + 3] = static_cast<std::uint8_t>(id);
        }
        if (out_.empty()) {
            return;
        }
        const ssize_t sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            out_.erase(out_.begin(), out_.begin() + sent);
        }
    }

    /// Whether the connection is still open; asks anew for each answer.
    bool receive() {
        const ssize_t got = recv(fd_, &in_[filled_], in_.size() - filled_, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return false;
        }
        filled_ += got > 0 ? static_cast<std::size_t>(got) : 0;
        const Clock::time_point now = Clock::now();
        std::size_t begin = 0, answers = 0;
        while (filled_ - begin >= 2) {
            const auto size = static_cast<std::size_t>(in_[begin] << 8 | in_[begin + 1]);
            if (filled_ - begin < 2 + size) {
                break;
            }
            answers += count({&in_[begin + 2], size}, now);
            begin += 2 + size;
        }
        std::memmove(in_.data(), &in_[begin], filled_ - begin);
        filled_ -= begin;
        ask(answers, now);
        return true;
    }

    void open_again() {
        totals_.lose(in_flight_.give_up(Clock::time_point::max()));
        close(fd_);
        out_.clear();
        filled_ = 0;
        open();
        ask(options_.in_flight_each(), Clock::now());
    }

    void give_up(Clock::time_point now) {
        const std::size_t gone = in_flight_.give_up(now - kGiveUp);
        totals_.lose(gone);
        ask(gone, now);
    }

  private:
    void open() {
        fd_ = socket(AF_INET, SOCK_STREAM, 0);
        const sockaddr_in server = loopback(options_.port);
        const int on = 1;
        setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
            fail("connect");
        }
    }

    std::size_t count(Octets reply, Clock::time_point now) {
        if (reply.size() < 12) {
            return 0;
        }
        const auto query = in_flight_.take(static_cast<std::uint16_t>(reply[0] << 8 | reply[1]));
        if (query) {
            totals_.count(*query, reply, now);
        }
        return query ? 1 : 0;
    }

    const Options& options_;
    Questions& questions_;
    Totals& totals_;
    InFlight in_flight_;
    int fd_ = -1;
    std::vector<std::uint8_t> in_ = std::vector<std::uint8_t>(kBuffer), out_;
    std::size_t filled_ = 0;
};

}  // namespace

void run_tcp(const Options& options, Questions& questions, Totals& totals) {
    const int epoll = epoll_create1(0);
    std::vector<std::unique_ptr<Stream>> streams;
    for (unsigned i = 0; i < options.sockets; ++i) {
        streams.push_back(std::make_unique<Stream>(options, questions, totals));
        watch(epoll, streams[i]->fd(), EPOLLIN, i);
    }
    totals.begin();
    Clock::time_point now = Clock::now();
    const Clock::time_point end = now + options.length();
    for (auto& stream : streams) {
        stream->ask(options.in_flight_each(), now);
    }
    std::array<epoll_event, 64> events{};
    for (Clock::time_point check = now + kGiveUp / 2; now < end; now = Clock::now()) {
        const int ready = epoll_wait(epoll, events.data(), events.size(), 50);
        for (int i = 0; i < ready; ++i) {
            const std::size_t index = events[static_cast<std::size_t>(i)].data.u64;
            if (!streams[index]->receive()) {
                streams[index]->open_again();
                watch(epoll, streams[index]->fd(), EPOLLIN, index);
            }
        }
        if (now > check) {
            check = now + kGiveUp / 2;
            for (auto& stream : streams) {
                stream->give_up(now);
            }
        }
    }
    totals.end();
    close(epoll);
}

}  // namespace load
