#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/run.h"

namespace load {
namespace {

/// A connection for one query, over and over. Latency counts from before the handshake.
class Caller {
  public:
    Caller(const Options& options, Questions& questions, Totals& totals, int epoll,
           std::size_t index)
        : server_(loopback(options.port)),
          questions_(questions),
          totals_(totals),
          epoll_(epoll),
          index_(index) {}
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() { close(fd_); }

    void call() {
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        bind_next();
        query_ = {Clock::now(), questions_.next(), 0, true};
        sent_ = false;
        filled_ = 0;
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) != 0 &&
            errno != EINPROGRESS) {
            fail("connect");
        }
        watch(epoll_, fd_, EPOLLIN | EPOLLOUT | EPOLLET, index_);
        send_query();
    }

    void handle() {
        if (!sent_) {
            send_query();
        }
        const ssize_t got = recv(fd_, &in_[filled_], in_.size() - filled_, 0);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        filled_ += got > 0 ? static_cast<std::size_t>(got) : 0;
        const std::size_t size = filled_ < 2 ? 0 : static_cast<std::size_t>(in_[0] << 8 | in_[1]);
        if (size > 0 && filled_ >= 2 + size) {
            totals_.count(query_, {&in_[2], size}, Clock::now());
        } else if (got > 0) {
            return;
        } else {
            totals_.lose(1);
        }
        close(fd_);
        call();
    }

    void give_up(Clock::time_point now) {
        if (query_.due < now - kGiveUp) {
            totals_.lose(1);
            close(fd_);
            call();
        }
    }

  private:
    /// Another source address each time: closed connections keep their ports for a minute.
    void bind_next() {
        sockaddr_in source = loopback(0);
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + (index_ + ++calls_) % 128);
        const int on = 1;
        setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
            fail("bind");
        }
    }

    void send_query() {
        const Octets query = questions_.query(query_.question);
        std::array<std::uint8_t, 512> framed{};
        framed[0] = static_cast<std::uint8_t>(query.size() >> 8);
        framed[1] = static_cast<std::uint8_t>(query.size());
        std::copy(query.begin(), query.end(), framed.begin() + 2);
        sent_ = send(fd_, framed.data(), 2 + query.size(), MSG_NOSIGNAL) > 0;
    }

    const sockaddr_in server_;
    Questions& questions_;
    Totals& totals_;
    const int epoll_;
    const std::size_t index_;
    int fd_ = -1;
    InFlight::Query query_;
    bool sent_ = false;
    std::size_t filled_ = 0, calls_ = 0;
    std::vector<std::uint8_t> in_ = std::vector<std::uint8_t>(2 + 65535);
};

}  // namespace

void run_tcp_connect(const Options& options, Questions& questions, Totals& totals) {
    const int epoll = epoll_create1(0);
    std::vector<std::unique_ptr<Caller>> callers;
    totals.begin();
    Clock::time_point now = Clock::now();
    const Clock::time_point end = now + options.length();
    for (unsigned i = 0; i < options.in_flight; ++i) {
        callers.push_back(std::make_unique<Caller>(options, questions, totals, epoll, i));
        callers[i]->call();
    }
    std::array<epoll_event, 64> events{};
    for (Clock::time_point check = now + kGiveUp / 2; now < end; now = Clock::now()) {
        const int ready = epoll_wait(epoll, events.data(), events.size(), 50);
        for (int i = 0; i < ready; ++i) {
            callers[events[static_cast<std::size_t>(i)].data.u64]->handle();
        }
        if (now > check) {
            check = now + kGiveUp / 2;
            for (auto& caller : callers) {
                caller->give_up(now);
            }
        }
    }
    totals.end();
    close(epoll);
}

}  // namespace load
