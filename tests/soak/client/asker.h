// One socket or connection of a client that behaves well: never asks twice, reads at once. Knows
// which of its queries wait, and writes a record for each that ends. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <unordered_map>
#include <vector>

#include "tests/soak/client/questions.h"
#include "tests/soak/client/reply.h"

namespace soak {

struct Ends {
    sockaddr_in client, server;
};

/// UDP, from a port of its own. What is truncated is handed on, to be asked over TCP.
class UdpAsker {
  public:
    using HandOn = std::function<void(Query)>;
    UdpAsker(const Ends& ends, HandOn truncated);

    int fd() const { return fd_; }
    std::size_t waiting() const { return waiting_.size(); }
    void ask(Query query);
    void receive();
    void give_up(std::int64_t sent_before);

  private:
    struct Waiting {
        Query query;
        std::int64_t sent;
    };
    void take(Octets reply);

    int fd_;
    HandOn truncated_;
    std::uint16_t id_ = 0;
    std::unordered_map<std::uint16_t, Waiting> waiting_;
};

/// TCP: many queries, answered in any order, and then another connection.
class TcpAsker {
  public:
    explicit TcpAsker(const Ends& ends) : ends_(ends) {}

    int fd() const { return fd_; }
    std::size_t waiting() const { return waiting_.size(); }
    /// Connects if it has no connection, or one that has had its share of queries.
    void ask(Query query);
    void receive();
    void give_up(std::int64_t sent_before);
    void close();

  private:
    struct Waiting {
        Query query;
        std::int64_t sent;
    };
    void connect();
    void lose_all();
    void take(Octets reply);

    Ends ends_;
    int fd_ = -1;
    unsigned asked_ = 0;  // on this connection
    std::uint16_t id_ = 0;
    std::vector<std::uint8_t> read_;
    std::unordered_map<std::uint16_t, Waiting> waiting_;
};

}  // namespace soak
