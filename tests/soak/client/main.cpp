// A client that behaves well, of one server on loopback: asks over UDP and TCP at a steady rate,
// and writes a record for each answer (records.h), until its standard input ends; then it waits for
// the last replies.
#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <exception>
#include <memory>
#include <poll.h>
#include <unistd.h>

#include "tests/soak/client/asker.h"
#include "tests/soak/client/records.h"

namespace soak {
namespace {

constexpr unsigned kUdpSockets = 16, kConnections = 8;
constexpr unsigned kOverTcp = 10;          // percent
constexpr std::int64_t kTurn = 5'000'000;  // what is due leaves that often
constexpr unsigned kUsesOfSocket = 500;    // then another port

sockaddr_in address(const char* text, int port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, text, &out.sin_addr) != 1) {
        throw std::runtime_error("no address");
    }
    return out;
}

class Client {
  public:
    Client(const Ends& ends, double rate, Questions questions)
        : ends_(ends), rate_(rate), questions_(std::move(questions)) {
        for (unsigned i = 0; i < kUdpSockets; ++i) {
            udp_.push_back(open_udp());
        }
        for (unsigned i = 0; i < kConnections; ++i) {
            tcp_.push_back(std::make_unique<TcpAsker>(ends));
        }
    }

    void run() {
        std::int64_t start = now(), asked = 0;
        while (!ended_) {
            const std::int64_t due = due_since(start);
            if (static_cast<double>(due - asked) > rate_ / 4) {  // held up: no burst to catch up
                start = now() - static_cast<std::int64_t>(static_cast<double>(asked) / rate_ * 1e9);
            }
            for (; asked < due_since(start); ++asked) {
                ask();
            }
            serve(kTurn);
        }
        const std::int64_t end = now() + kGiveUp;
        while (now() < end && waiting() > 0) {
            serve(kTurn);
        }
        give_up(INT64_MAX);
    }

  private:
    std::unique_ptr<UdpAsker> open_udp() {
        return std::make_unique<UdpAsker>(ends_,
                                          [this](Query query) { ask_tcp(std::move(query)); });
    }
    std::int64_t due_since(std::int64_t start) const {
        return static_cast<std::int64_t>(static_cast<double>(now() - start) * rate_ / 1e9);
    }

    void ask() {
        if (questions_.random() % 100 < kOverTcp) {
            ask_tcp(questions_.draw());
            return;
        }
        auto& socket = udp_[++turn_ % kUdpSockets];
        if (turn_ % (kUsesOfSocket * kUdpSockets) < kUdpSockets && socket->waiting() == 0) {
            ::close(socket->fd());
            socket = open_udp();
        }
        socket->ask(questions_.draw());
    }

    void ask_tcp(Query query) { tcp_[++tcp_turn_ % kConnections]->ask(std::move(query)); }

    std::size_t waiting() const {
        std::size_t all = 0;
        for (const auto& socket : udp_) {
            all += socket->waiting();
        }
        for (const auto& connection : tcp_) {
            all += connection->waiting();
        }
        return all;
    }

    void give_up(std::int64_t sent_before) {
        for (auto& socket : udp_) {
            socket->give_up(sent_before);
        }
        for (auto& connection : tcp_) {
            connection->give_up(sent_before);
        }
    }

    /// Replies, until the next queries are due.
    void serve(std::int64_t nanoseconds) {
        std::vector<pollfd> fds{{ended_ ? -1 : STDIN_FILENO, POLLIN, 0}};
        for (const auto& socket : udp_) {
            fds.push_back({socket->fd(), POLLIN, 0});
        }
        for (const auto& connection : tcp_) {
            fds.push_back({connection->fd(), POLLIN, 0});
        }
        const std::int64_t until = now() + nanoseconds;
        for (std::int64_t left; (left = until - now()) > 0;) {
            const int milliseconds = static_cast<int>((left + 999'999) / 1'000'000);
            if (poll(fds.data(), fds.size(), milliseconds) <= 0) {
                continue;
            }
            ended_ = ended_ || fds[0].revents != 0;
            for (std::size_t i = 1; i < fds.size(); ++i) {
                if (fds[i].revents == 0) {
                    continue;
                }
                if (i <= kUdpSockets) {
                    udp_[i - 1]->receive();
                } else if (tcp_[i - 1 - kUdpSockets]->fd() == fds[i].fd) {
                    tcp_[i - 1 - kUdpSockets]->receive();
                    fds[i].fd = tcp_[i - 1 - kUdpSockets]->fd();
                }
            }
            if (ended_) {
                break;
            }
        }
        if (now() > next_flush_) {
            give_up(now() - kGiveUp);
            std::fflush(stdout);
            next_flush_ = now() + 50'000'000;
        }
    }

    Ends ends_;
    double rate_;
    Questions questions_;
    std::vector<std::unique_ptr<UdpAsker>> udp_;
    std::vector<std::unique_ptr<TcpAsker>> tcp_;
    std::size_t turn_ = 0, tcp_turn_ = 0;
    std::int64_t next_flush_ = 0;
    bool ended_ = false;
};

}  // namespace
}  // namespace soak

int main(int argc, char** argv) {
    if (argc != 7) {
        std::fputs("usage: client SOURCE ADDRESS PORT RATE SEED QUESTIONS\n", stderr);
        return 2;
    }
    try {
        const soak::Ends ends{soak::address(argv[1], 0),
                              soak::address(argv[2], std::atoi(argv[3]))};
        soak::Client client(ends, std::atof(argv[4]),
                            soak::Questions(argv[6], std::strtoull(argv[5], nullptr, 10)));
        client.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "client: %s\n", error.what());
        return 1;
    }
    return 0;
}
