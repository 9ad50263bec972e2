// How a new process takes the sockets of the one that runs, on one host (-takeover PATH).
// Over a unix socket the old process sends its descriptors (SCM_RIGHTS, unix(7)); both then read
// the same queues. Once the new one serves it says so, and the old one finishes what it has begun.
// A new process that fails before changes nothing. Knows sockets and their addresses; knows nothing
// of what is served on them. On the main thread only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/sockets.h"

namespace server {

/// A socket that changes hands.
struct PassedSocket {
    enum class Kind : std::uint8_t { Udp, Tcp, Http };
    Kind kind;
    Listen listen;
    int fd;  // the sender's; the receiver has it in a Fd
};

/// The new process's view of the one before.
class Predecessor {
  public:
    /// Null if nobody listens at that path. Throws ConfigError if somebody does and does not keep
    /// to the protocol, or does not answer within 5 s.
    static std::unique_ptr<Predecessor> find(const std::filesystem::path& path);

    /// Where it has sockets for DNS.
    std::vector<Listen> listens() const;
    /// What it had for DNS, pairs of UDP and TCP; moved out.
    std::vector<ListenSockets> take_sockets() { return std::move(sockets_); }
    /// What it had for HTTP; moved out.
    std::vector<std::pair<Listen, Fd>> take_http() { return std::move(http_); }

    /// Tells it that we serve: from now on it reads no more.
    void we_serve() const;

  private:
    explicit Predecessor(Fd channel) : channel_(std::move(channel)) {}
    void receive_all();
    void add(const std::string& text, Fd fd);

    Fd channel_;
    std::vector<ListenSockets> sockets_;
    std::vector<std::pair<Listen, Fd>> http_;
};

/// The running process's side: waits for one that wants to take over.
class HandOver {
  public:
    /// Takes the path, whoever had it. Throws ConfigError.
    explicit HandOver(const std::filesystem::path& path);

    /// Serves who has connected, without waiting: `sockets` are sent to a process of our own user
    /// or of root. True once that has said that it serves.
    bool poll(const std::vector<PassedSocket>& sockets);

    /// Whether a process has our sockets and has not yet said that it serves.
    bool under_way() const { return static_cast<bool>(successor_); }

  private:
    bool accept_one();
    bool send_all(const std::vector<PassedSocket>& sockets) const;

    Fd listener_;
    Fd successor_;
};

}  // namespace server
