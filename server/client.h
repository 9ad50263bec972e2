// Where a query came from, and with that, where its reply goes.
// A value that the receiving socket fills and that a pending forward copies; knows nothing of DNS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <sys/socket.h>

namespace server {

struct Client {
    union Peer {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    };
    Peer peer;
    socklen_t peer_size = 0;
    bool tcp = false;
    std::uint32_t index = 0;       // UDP: of the worker's socket; TCP: of the connection's slot
    std::uint32_t generation = 0;  // TCP: which connection the slot held
    /// The control message that makes the reply leave from the address that was asked
    /// (IP_PKTINFO, IPV6_PKTINFO); empty on sockets bound to one address.
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(in6_pktinfo))];
    std::size_t control_size = 0;
};

/// Sends a reply that was not ready when its query was handled.
class ReplySender {
  public:
    virtual ~ReplySender() = default;
    virtual void send(const Client& client, const std::uint8_t* reply, std::size_t size) = 0;
};

}  // namespace server
