// What hostile clients send while the load asks: malformed packets and random names, as fast as is
// said, and connections that drip. Cheap, since it has the load's CPU. Reads no reply. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/load/in_flight.h"

namespace load {

struct HostileOptions {
    double rate = 0;     // packets a second
    unsigned drips = 0;  // connections, an octet a second each
    /// What the packets are, in turn: `malformed`; else a zone, of which they ask random names.
    std::vector<std::string> kinds = {"malformed"};
};

class Hostile {
  public:
    Hostile(std::uint16_t port, const HostileOptions& options);
    ~Hostile();
    Hostile(const Hostile&) = delete;
    Hostile& operator=(const Hostile&) = delete;

    /// Sends what is due.
    void act(Clock::time_point now);

    bool is_there() const { return options_.rate > 0 || options_.drips > 0; }
    /// When something is due.
    Clock::time_point next() const;

    std::size_t sent() const { return sent_; }
    std::size_t connections() const { return connections_; }

  private:
    static constexpr unsigned kBatch = 32;
    struct Batch;
    struct Drip {
        int fd = -1;
        std::size_t at = 0;
        Clock::time_point next;
    };

    void send_batch();
    std::size_t write_query(std::span<std::uint8_t> out, const std::vector<std::uint8_t>& under);
    std::size_t write_malformed(std::span<std::uint8_t> out);
    void drip(Drip& one);

    std::uint16_t port_;
    HostileOptions options_;
    std::vector<std::vector<std::uint8_t>>
        under_;  // of each kind, the question but its first label
    std::minstd_rand random_{1};
    std::vector<int> sockets_;
    std::unique_ptr<Batch> batch_;
    std::vector<Drip> drips_;
    Clock::time_point began_;
    std::size_t sent_ = 0, turn_ = 0, next_drip_ = 0, connections_ = 0;
};

}  // namespace load
