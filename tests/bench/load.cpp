// Closed-loop load: a fixed number of queries is in flight all the time, over several sockets of
// 127.0.0.1. Prints one JSON object: rate, losses, rcodes, latency, and the CPU that the server's
// processes spent on each query (all threads, from schedstat). One thread; pin it beside the
// server.
//
//   load PORT SECONDS IN_FLIGHT SOCKETS NAMES.txt [SERVER_PID...]      (a line is a qname; type A)
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netinet/in.h>
#include <random>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Octets = std::vector<std::uint8_t>;

constexpr unsigned kSlotBits = 6;  // of a query's id; the other ten are the slot's generation
constexpr unsigned kMaxSlots = 1U << kSlotBits;
constexpr auto kGiveUp = std::chrono::seconds(1);

struct Totals {
    std::size_t answers = 0, lost = 0, truncated = 0;
    std::array<std::size_t, 16> rcodes{};
    std::vector<float> microseconds;
};

/// A query for the A records of `name`, recursion desired, without EDNS.
Octets make_query(const std::string& name) {
    Octets m = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        m.push_back(static_cast<std::uint8_t>(dot - at));
        m.insert(m.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                 name.begin() + static_cast<std::ptrdiff_t>(dot));
        at = dot + 1;
    }
    m.insert(m.end(), {0, 0, 1, 0, 1});
    return m;
}

/// Walks through all queries in a shuffled order, for ever.
class Questions {
  public:
    explicit Questions(const char* path) {
        std::ifstream file(path);
        for (std::string name; file >> name;) {
            all_.push_back(make_query(name));
        }
        std::shuffle(all_.begin(), all_.end(), std::minstd_rand(1));
    }

    bool empty() const { return all_.empty(); }
    const Octets& next() { return all_[at_ = (at_ + 1) % all_.size()]; }

  private:
    std::vector<Octets> all_;
    std::size_t at_ = 0;
};

/// One socket with its share of the queries in flight.
class Connection {
  public:
    Connection(std::uint16_t port, unsigned slots) : slots_(slots) {
        fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        const int size = 4 << 20;
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        sockaddr_in server{};
        server.sin_family = AF_INET;
        server.sin_port = htons(port);
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
            std::perror("connect");
            std::exit(1);
        }
        for (unsigned i = 0; i < kMaxSlots; ++i) {
            spans_[i] = {buffers_[i].data(), buffers_[i].size()};
            messages_[i].msg_hdr.msg_iov = &spans_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    int fd() const { return fd_; }

    void start(Questions& questions) {
        for (unsigned slot = 0; slot < slots_; ++slot) {
            queue(slot, questions);
        }
        flush();
    }

    /// Takes what has arrived, and asks anew for each answer.
    void receive(Questions& questions, Totals& totals) {
        for (auto& span : spans_) {
            span.iov_len = buffers_[0].size();
        }
        const int got = recvmmsg(fd_, messages_.data(), kMaxSlots, 0, nullptr);
        const Clock::time_point now = Clock::now();
        std::array<unsigned, kMaxSlots> done{};
        unsigned count = 0;
        for (int i = 0; i < got; ++i) {
            const auto& m = buffers_[static_cast<std::size_t>(i)];
            const unsigned id = static_cast<unsigned>(m[0] << 8 | m[1]);
            const unsigned slot = id & (kMaxSlots - 1);
            if (slot >= slots_ || id != ids_[slot]) {
                continue;  // of a query that was given up
            }
            ids_[slot] ^= 0x10000;  // answered
            const std::chrono::duration<float, std::micro> took = now - sent_[slot];
            totals.microseconds.push_back(took.count());
            ++totals.answers;
            ++totals.rcodes[m[3] & 15];
            totals.truncated += (m[2] & 2) != 0;
            done[count++] = slot;
        }
        for (unsigned i = 0; i < count; ++i) {
            queue(done[i], questions);
        }
        flush();
    }

    void give_up_old(Questions& questions, Totals& totals) {
        const Clock::time_point now = Clock::now();
        for (unsigned slot = 0; slot < slots_; ++slot) {
            if (now - sent_[slot] > kGiveUp) {
                ++totals.lost;
                queue(slot, questions);
            }
        }
        flush();
    }

  private:
    void queue(unsigned slot, Questions& questions) {
        ids_[slot] = ((ids_[slot] & 0xffff) + kMaxSlots) % 0x10000;
        ids_[slot] = (ids_[slot] & ~(kMaxSlots - 1)) | slot;
        const Octets& query = questions.next();
        auto& buffer = buffers_[queued_];
        std::memcpy(buffer.data(), query.data(), query.size());
        buffer[0] = static_cast<std::uint8_t>(ids_[slot] >> 8);
        buffer[1] = static_cast<std::uint8_t>(ids_[slot]);
        spans_[queued_].iov_len = query.size();
        queued_slots_[queued_++] = slot;
        if (queued_ == kMaxSlots) {
            flush();
        }
    }

    void flush() {
        const Clock::time_point now = Clock::now();
        for (unsigned i = 0; i < queued_; ++i) {
            sent_[queued_slots_[i]] = now;
        }
        for (unsigned sent = 0; sent < queued_;) {
            const int count = sendmmsg(fd_, &messages_[sent], queued_ - sent, 0);
            if (count < 0 && errno != EAGAIN) {
                break;  // counted as lost when its time is over
            }
            sent += static_cast<unsigned>(std::max(count, 0));
        }
        queued_ = 0;
    }

    int fd_ = -1;
    unsigned slots_;
    unsigned queued_ = 0;
    std::array<std::array<std::uint8_t, 2048>, kMaxSlots> buffers_{};
    std::array<iovec, kMaxSlots> spans_{};
    std::array<mmsghdr, kMaxSlots> messages_{};
    std::array<unsigned, kMaxSlots> queued_slots_{};
    std::array<unsigned, kMaxSlots> ids_{};  // bit 16: nothing is in flight
    std::array<Clock::time_point, kMaxSlots> sent_{};
};

/// Nanoseconds of CPU that these processes have used, all their threads.
double cpu_nanoseconds(char** first, char** last) {
    double total = 0;
    for (char** pid = first; pid != last; ++pid) {
        const std::filesystem::path tasks = std::filesystem::path("/proc") / *pid / "task";
        std::error_code gone;
        for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
            double used = 0;
            if (std::ifstream(task.path() / "schedstat") >> used) {
                total += used;
            }
        }
    }
    return total;
}

float percentile(const std::vector<float>& sorted, double part) {
    if (sorted.empty()) {
        return 0;
    }
    const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
    return sorted[std::min(at, sorted.size() - 1)];
}

void print(Totals& totals, double seconds, double cpu) {
    std::sort(totals.microseconds.begin(), totals.microseconds.end());
    const auto answers = static_cast<double>(totals.answers);
    std::printf("{\"answers\": %zu, \"lost\": %zu, \"truncated\": %zu, \"noerror\": %zu, ",
                totals.answers, totals.lost, totals.truncated, totals.rcodes[0]);
    std::printf("\"rate\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.4f}\n",
                answers / seconds, static_cast<double>(percentile(totals.microseconds, 0.5)),
                static_cast<double>(percentile(totals.microseconds, 0.99)),
                cpu / 1000 / std::max(answers, 1.0));
}

using Connections = std::vector<std::unique_ptr<Connection>>;

void run(Connections& all, Questions& questions, Clock::duration length, Totals& totals) {
    const int epoll = epoll_create1(0);
    for (std::size_t i = 0; i < all.size(); ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i]->fd(), &event);
        all[i]->start(questions);
    }
    const Clock::time_point end = Clock::now() + length;
    Clock::time_point next_check = Clock::now() + kGiveUp / 2;
    std::array<epoll_event, 64> events{};
    for (Clock::time_point now = Clock::now(); now < end; now = Clock::now()) {
        const int ready = epoll_wait(epoll, events.data(), events.size(), 50);
        for (int i = 0; i < ready; ++i) {
            all[events[static_cast<std::size_t>(i)].data.u64]->receive(questions, totals);
        }
        if (now > next_check) {
            next_check = now + kGiveUp / 2;
            for (auto& connection : all) {
                connection->give_up_old(questions, totals);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        std::fputs("usage: load PORT SECONDS IN_FLIGHT SOCKETS NAMES.txt [SERVER_PID...]\n",
                   stderr);
        return 2;
    }
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    const std::chrono::duration<double> length(std::atof(argv[2]));
    const int sockets = std::max(1, std::atoi(argv[4]));
    const unsigned slots = static_cast<unsigned>(std::max(1, std::atoi(argv[3]) / sockets));
    Questions questions(argv[5]);
    if (questions.empty() || slots > kMaxSlots) {
        std::fprintf(stderr, "no names in %s, or more than %u per socket\n", argv[5], kMaxSlots);
        return 2;
    }
    Connections all;
    for (int i = 0; i < sockets; ++i) {
        all.push_back(std::make_unique<Connection>(port, slots));
    }
    Totals totals;
    totals.microseconds.reserve(static_cast<std::size_t>(length.count() * 500'000));
    const double before = cpu_nanoseconds(argv + 6, argv + argc);
    const Clock::time_point start = Clock::now();
    run(all, questions, std::chrono::duration_cast<Clock::duration>(length), totals);
    const std::chrono::duration<double> took = Clock::now() - start;
    print(totals, took.count(), cpu_nanoseconds(argv + 6, argv + argc) - before);
    return totals.answers == 0 ? 1 : 0;
}
