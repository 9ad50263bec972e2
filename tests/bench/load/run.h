// The ways to load a server: each asks until the time is over, and leaves its counts in `Totals`.
// Speaks to 127.0.0.1 only. One thread.
#pragma once

#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <vector>

#include "tests/bench/load/hostile.h"
#include "tests/bench/load/questions.h"
#include "tests/bench/load/totals.h"

namespace load {

struct Options {
    std::string mode = "udp";
    std::uint16_t port = 0;
    std::string questions;
    std::chrono::duration<double> seconds{1};
    unsigned sockets = 20;
    unsigned in_flight = 200;  // on all sockets
    double rate = 0;           // queries a second, answered or not; 0: a closed loop
    HostileOptions hostile;    // beside an open loop
    bool check = true;
    std::vector<std::string> pids;

    Clock::duration length() const { return std::chrono::duration_cast<Clock::duration>(seconds); }
    unsigned in_flight_each() const { return std::max(1U, in_flight / sockets); }
};

/// Closed loop: each answer is followed by a query. Open loop: queries are sent when they are due,
/// and latency counts from then; hostile clients may send beside them.
void run_udp(const Options& options, Questions& questions, Totals& totals);

/// Connections that stay, with several queries in flight on each.
void run_tcp(const Options& options, Questions& questions, Totals& totals);

/// A connection per query, `in_flight` at a time.
void run_tcp_connect(const Options& options, Questions& questions, Totals& totals);

sockaddr_in loopback(std::uint16_t port);
[[noreturn]] void fail(const char* what);
void watch(int epoll, int fd, std::uint32_t events, std::size_t index);

}  // namespace load
