// Opens the sockets that a Corefile asks for.
// Knows addresses, SO_REUSEPORT and its trap, IPv6 that is switched off, and free ports; knows
// nothing of DNS. Start-up only; throws ConfigError. The caller owns what it gets.
#pragma once

#include <unistd.h>
#include <utility>
#include <vector>

#include "server/config.h"
#include "zones/address.h"

namespace server {

/// A file descriptor, closed when it goes.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// Replaces every "all addresses" by 0.0.0.0 and, if the host has IPv6, `::`; every port 0 by one
/// free port, the same for UDP and TCP and for all. Makes sure that nobody else has one of the
/// ports: SO_REUSEPORT would let another process of the same user share it silently. `held` are
/// open already; `free_port` is what port 0 stands for since the start, 0 if nothing yet.
void settle_listens(Config& config, const std::vector<Listen>& held = {},
                    std::uint16_t* free_port = nullptr);

/// The different addresses and ports of a settled configuration.
std::vector<Listen> listens_of(const Config& config);

/// What one worker has on one address.
struct ListenSockets {
    Listen listen;
    Fd udp;
    Fd tcp;
};

/// A listening socket of one worker; other workers have theirs on the same address and port.
Fd open_udp(const Listen& listen);
Fd open_tcp(const Listen& listen);

bool is_wildcard(const Listen& listen);

/// The addresses that clients may know the server by: those listened on, and in place of a wildcard
/// those of the interfaces but loopback.
std::vector<zones::Address> listening_addresses(const Config& config);

/// "dns://192.0.2.1:53", "dns://[::]:53".
std::string to_string(const Listen& listen);

}  // namespace server
