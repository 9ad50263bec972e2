#include "server/sockets.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>

#include "k8s_client/error_text.h"
#include "server/config_listen.h"
#include "server/net_bind.h"
#include "server/socket_option.h"

namespace server {
namespace {

constexpr int kUdpReceiveBuffer = 4 << 20;  // some 10 ms of queries at a million a second
constexpr int kTcpBacklog = 1024;
constexpr int kFreePortTries = 50;

struct SocketAddress {
    union {
        sockaddr_in6 v6{};  // the largest
        sockaddr_in v4;
        sockaddr any;
    };
    socklen_t size = 0;
};

SocketAddress to_socket_address(const Listen& listen) {
    SocketAddress address;
    std::string host = listen.address;
    const std::size_t percent = host.find('%');  // fe80::1%eth0
    const std::string interface = percent == host.npos ? "" : host.substr(percent + 1);
    host.resize(std::min(percent, host.size()));
    if (inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(listen.port);
        address.size = sizeof address.v4;
    } else if (inet_pton(AF_INET6, host.c_str(), &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(listen.port);
        address.v6.sin6_scope_id = interface.empty() ? 0 : if_nametoindex(interface.c_str());
        address.size = sizeof address.v6;
    } else {
        throw ConfigError("not an address to listen on: " + listen.address);
    }
    return address;
}

/// A socket, bound or not; its errno stays for the caller.
Fd make_socket(const SocketAddress& address, int type) {
    Fd fd(socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd && address.any.sa_family == AF_INET6) {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (fd && type == SOCK_STREAM) {
        set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // past connections in TIME_WAIT
    }
    return fd;
}

[[noreturn]] void refuse_listen(const Listen& listen, int type, int error) {
    throw ConfigError("cannot listen on " + to_string(listen) + " (" +
                      (type == SOCK_DGRAM ? "UDP" : "TCP") + "): " + k8s_client::error_text(error) +
                      (error == EADDRINUSE ? "; is another DNS server running?"
                       : error == EACCES   ? "; the port needs the capability NET_BIND_SERVICE"
                                           : ""));
}

Fd open_listening(const Listen& listen, int type) {
    const SocketAddress address = to_socket_address(listen);
    Fd fd = make_socket(address, type);
    if (!fd) {
        refuse_listen(listen, type, errno);
    }
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (bind_any_port(fd.get(), &address.any, address.size) != 0) {
        refuse_listen(listen, type, errno);
    }
    return fd;
}

/// 0 if a socket of our own alone can have the address, else the errno.
int try_bind(const Listen& listen, int type, std::uint16_t* port = nullptr) {
    SocketAddress address = to_socket_address(listen);
    const Fd fd = make_socket(address, type);
    if (!fd || bind_any_port(fd.get(), &address.any, address.size) != 0) {
        return errno;
    }
    if (port != nullptr) {
        socklen_t size = sizeof(sockaddr_in6);
        getsockname(fd.get(), &address.any, &size);
        *port =
            ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    }
    return 0;
}

bool host_has_ipv6() {
    // Switched off, the kernel has no such sockets, or (disable_ipv6) no address to bind.
    return try_bind({"::", 0}, SOCK_DGRAM) == 0;
}

/// All different (address, port) of the configuration.
std::vector<Listen*> all_listens(Config& config) {
    std::vector<Listen*> all;
    for (ServerBlock& block : config.blocks) {
        for (ZoneKey& key : block.keys) {
            for (Listen& listen : key.listens) {
                all.push_back(&listen);
            }
        }
    }
    return all;
}

void choose_free_port(const std::vector<Listen*>& listens, std::uint16_t& free_port) {
    std::vector<Listen*> open;
    std::ranges::copy_if(listens, std::back_inserter(open), [](auto* l) { return l->port == 0; });
    if (free_port != 0) {
        std::ranges::for_each(open, [&](Listen* listen) { listen->port = free_port; });
        return;
    }
    for (int i = 0; !open.empty() && i < kFreePortTries; ++i) {
        std::uint16_t port = 0;
        if (const int error = try_bind(*open.front(), SOCK_DGRAM, &port)) {
            refuse_listen(*open.front(), SOCK_DGRAM, error);
        }
        const bool free = std::ranges::all_of(open, [&](const Listen* listen) {
            const Listen chosen{listen->address, port};
            return try_bind(chosen, SOCK_DGRAM) == 0 && try_bind(chosen, SOCK_STREAM) == 0;
        });
        if (free) {
            std::ranges::for_each(open, [&](Listen* listen) { listen->port = port; });
            free_port = port;
            return;
        }
    }
    if (!open.empty()) {
        throw ConfigError("no port is free for UDP and TCP on all addresses");
    }
}

/// Whether a socket on `held` takes what another one on `listen` would get, or the other way round.
bool sockets_overlap(const Listen& listen, const Listen& held) {
    const auto is_v6 = [](const Listen& l) { return l.address.find(':') != std::string::npos; };
    return listen.port == held.port && is_v6(listen) == is_v6(held) &&
           (listen.address == held.address || is_wildcard(listen) || is_wildcard(held));
}

}  // namespace

void settle_listens(Config& config, const std::vector<Listen>& held, std::uint16_t* free_port) {
    expand_wildcards(config, host_has_ipv6());
    std::uint16_t chosen = 0;
    choose_free_port(all_listens(config), free_port == nullptr ? chosen : *free_port);
    for (const Listen& listen : listens_of(config)) {
        // Our own are in the way of try_bind(), and of nothing else.
        if (std::ranges::any_of(held,
                                [&](const Listen& h) { return sockets_overlap(listen, h); })) {
            continue;
        }
        for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
            if (const int error = try_bind(listen, type)) {
                refuse_listen(listen, type, error);
            }
        }
    }
}

std::vector<Listen> listens_of(const Config& config) {
    std::vector<Listen> listens;
    for (const ServerBlock& block : config.blocks) {
        for (const ZoneKey& key : block.keys) {
            for (const Listen& listen : key.listens) {
                if (std::ranges::find(listens, listen) == listens.end()) {
                    listens.push_back(listen);
                }
            }
        }
    }
    return listens;
}

Fd open_udp(const Listen& listen) {
    Fd fd = open_listening(listen, SOCK_DGRAM);
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, kUdpReceiveBuffer);
    if (is_wildcard(listen)) {
        set_option(fd.get(), IPPROTO_IP, IP_PKTINFO, 1);
        set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    // Never let the path's MTU as an attacker tells it cut our replies into fragments.
    set_option(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    return fd;
}

Fd open_tcp(const Listen& listen) {
    Fd fd = open_listening(listen, SOCK_STREAM);
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    if (::listen(fd.get(), kTcpBacklog) != 0) {
        refuse_listen(listen, SOCK_STREAM, errno);
    }
    return fd;
}

bool is_wildcard(const Listen& listen) {
    return listen.address == "0.0.0.0" || listen.address == "::";
}

std::vector<zones::Address> listening_addresses(const Config& config) {
    std::vector<zones::Address> addresses;
    const auto add = [&](const std::string& text) {
        const auto address = zones::parse_address(text.substr(0, text.find('%')));
        if (address && std::ranges::find(addresses, *address) == addresses.end()) {
            addresses.push_back(*address);
        }
    };
    bool wildcard = false;
    for (const ServerBlock& block : config.blocks) {
        for (const ZoneKey& key : block.keys) {
            for (const Listen& listen : key.listens) {
                wildcard = wildcard || is_wildcard(listen);
                add(is_wildcard(listen) ? "" : listen.address);
            }
        }
    }
    ifaddrs* list = nullptr;
    if (!wildcard || getifaddrs(&list) != 0) {
        return addresses;
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> interfaces(list, &freeifaddrs);
    for (const ifaddrs* i = interfaces.get(); i != nullptr; i = i->ifa_next) {
        if (i->ifa_addr == nullptr || (i->ifa_flags & IFF_LOOPBACK) != 0) {
            continue;
        }
        char text[INET6_ADDRSTRLEN] = "";
        const void* octets = nullptr;
        if (i->ifa_addr->sa_family == AF_INET) {
            octets = &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr;
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            const auto* v6 = &reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr;
            octets = IN6_IS_ADDR_LINKLOCAL(v6) ? nullptr : v6;
        }
        if (octets != nullptr) {
            add(inet_ntop(i->ifa_addr->sa_family, octets, text, sizeof text));
        }
    }
    return addresses;
}

std::string to_string(const Listen& listen) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    return "dns://" + (v6 ? "[" + listen.address + "]" : listen.address) + ":" +
           std::to_string(listen.port);
}

}  // namespace server
