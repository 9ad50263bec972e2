#include "server/http_listeners.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>

#include "k8s_client/error_text.h"
#include "server/net_bind.h"
#include "server/socket_option.h"

namespace server {
namespace {

constexpr int kBacklog = 1024;

struct AddressInfo {
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{nullptr, &::freeaddrinfo};
    const addrinfo& operator*() const { return *list; }
};

AddressInfo to_address_info(const Listen& listen) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    addrinfo* list = nullptr;
    if (getaddrinfo(listen.address.c_str(), std::to_string(listen.port).c_str(), &hints, &list) !=
        0) {
        throw ConfigError("not an address to listen on: " + listen.address);
    }
    AddressInfo info;
    info.list.reset(list);
    return info;
}

std::string host_port_text(const Listen& listen) {
    const bool v6 = listen.address.find(':') != std::string::npos;
    return (v6 ? "[" + listen.address + "]" : listen.address) + ":" + std::to_string(listen.port);
}

/// A socket that listens, or errno and no socket. `::` takes IPv4 as well.
Fd open_listener(const Listen& listen, bool beside_own) {
    const AddressInfo info = to_address_info(listen);
    const addrinfo& address = *info;
    Fd fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        return fd;
    }
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // past connections in TIME_WAIT
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, beside_own ? 1 : 0);
    if (address.ai_family == AF_INET6) {
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, listen.address == "::" ? 0 : 1);
    }
    if (bind_any_port(fd.get(), address.ai_addr, address.ai_addrlen) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        return Fd();
    }
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 0);  // no other process gets a share of it
    return fd;
}

/// All addresses: one socket for both families, or for IPv4 where the host has no IPv6.
Fd open_asked(const Listen& listen, bool beside_own) {
    if (!listen.address.empty()) {
        return open_listener(listen, beside_own);
    }
    Fd fd = open_listener({"::", listen.port}, beside_own);
    if (!fd && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        fd = open_listener({"0.0.0.0", listen.port}, beside_own);
    }
    return fd;
}

/// Those of `open` that stand in the way of `listen`: on its port, with other addresses. They are
/// about to be closed, or `listen` would be part of them.
std::vector<int> in_the_way(const Listen& listen, const HttpListeners& open) {
    std::vector<int> descriptors;
    for (const HttpListener& other : open) {
        if (other.asked.port == listen.port && listen.port != 0) {
            descriptors.push_back(other.fd->get());
        }
    }
    return descriptors;
}

Fd open_or_throw(const Listen& listen, const HttpListeners& open) {
    Fd fd = open_asked(listen, false);
    int error = errno;
    const auto own = in_the_way(listen, open);
    if (!fd && error == EADDRINUSE && !own.empty()) {
        std::ranges::for_each(own, [](int o) { set_option(o, SOL_SOCKET, SO_REUSEPORT, 1); });
        fd = open_asked(listen, true);
        error = errno;
        std::ranges::for_each(own, [](int o) { set_option(o, SOL_SOCKET, SO_REUSEPORT, 0); });
    }
    if (!fd) {
        throw ConfigError("cannot listen on " + host_port_text(listen) +
                          " (HTTP): " + k8s_client::error_text(error));
    }
    return fd;
}

Listen bound_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(),
                    port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        throw ConfigError("a socket that listens for HTTP has no address");
    }
    return {host.data(), static_cast<std::uint16_t>(std::stoul(port.data()))};
}

/// The address that the endpoint's socket has: all of them, where another endpoint has its port on
/// all.
Listen socket_of(const HttpEndpoint& endpoint, const std::vector<HttpEndpoint>& endpoints) {
    const Listen all{"", endpoint.listen.port};
    const bool covered =
        all.port != 0 &&
        std::ranges::any_of(endpoints, [&](const HttpEndpoint& e) { return e.listen == all; });
    return covered ? all : endpoint.listen;
}

std::shared_ptr<const Fd> find_or_open(const Listen& listen, const HttpListeners& open,
                                       std::vector<InheritedHttpListener>& inherited) {
    const auto kept = std::ranges::find(open, listen, &HttpListener::asked);
    if (kept != open.end()) {
        return kept->fd;
    }
    const auto given = std::ranges::find(inherited, listen, &InheritedHttpListener::first);
    if (given != inherited.end() && given->second) {
        return std::make_shared<const Fd>(std::move(given->second));
    }
    return std::make_shared<const Fd>(open_or_throw(listen, open));
}

}  // namespace

HttpListeners make_http_listeners(const std::vector<HttpEndpoint>& endpoints,
                                  const HttpListeners& open,
                                  std::vector<InheritedHttpListener> inherited) {
    HttpListeners made;
    for (const HttpEndpoint& endpoint : endpoints) {
        const Listen listen = socket_of(endpoint, endpoints);
        auto listener = std::ranges::find(made, listen, &HttpListener::asked);
        if (listener == made.end()) {
            auto fd = find_or_open(listen, open, inherited);
            const Listen bound = bound_of(fd->get());
            made.push_back({listen, bound, std::move(fd), {}});
            listener = std::prev(made.end());
        }
        listener->paths.insert_or_assign(endpoint.path, endpoint.handler);
    }
    return made;
}

std::vector<std::string> described(const HttpListeners& listeners) {
    std::vector<std::string> lines;
    for (const HttpListener& listener : listeners) {
        for (const auto& [path, handler] : listener.paths) {
            lines.push_back("http listening " + host_port_text(listener.bound) + " " + path);
        }
    }
    return lines;
}

}  // namespace server
