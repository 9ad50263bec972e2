// What a load counts, and the one JSON object that it prints. Knows nothing of sockets. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/bench/load/in_flight.h"
#include "tests/bench/load/questions.h"

namespace load {

class Totals {
  public:
    /// `check`: whether answers are held against what the questions expect. `pids`: the server's.
    Totals(const Questions& questions, bool check, const std::vector<std::string>& pids)
        : questions_(questions), check_(check), pids_(pids) {
        microseconds_.reserve(1 << 20);
    }

    /// When all connections are there, until which nothing counts; and when no more is asked.
    void begin() { began_ = now(); }
    void end() { ended_ = now(); }

    void count(const InFlight::Query& query, Octets reply, Clock::time_point now);

    /// Queries that were given up count in the latency with what was waited for them.
    void lose(std::size_t queries);

    /// Open loop: by how much the load itself was behind when it sent.
    void sent_late(Clock::duration by) { latest_ = std::max(latest_, by); }

    void count_hostile(std::size_t packets, std::size_t connections) {
        hostile_ = packets;
        hostile_connections_ = connections;
    }

    std::size_t answers() const { return answers_; }

    /// `load_busy` is the load's share of its CPU: at 1 it is the bottleneck.
    void print();

  private:
    struct Moment {
        Clock::time_point time;
        double own_seconds = 0, server_nanoseconds = 0;  // of CPU
    };

    Moment now() const;
    double percentile(double part) const;

    const Questions& questions_;
    bool check_;
    const std::vector<std::string>& pids_;
    Moment began_, ended_;
    std::size_t answers_ = 0, lost_ = 0, wrong_ = 0, octets_ = 0;
    std::size_t hostile_ = 0, hostile_connections_ = 0;
    Clock::duration latest_{};
    std::vector<float> microseconds_;
};

}  // namespace load
