#include <algorithm>
#include <array>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "server/config_options.h"
#include "server/config_plugins.h"

namespace server {
namespace {

struct InterfaceAddress {
    std::string interface;
    std::string address;
};

/// IPv6 link-local addresses are left out: they mean nothing without a scope.
bool is_link_local(const sockaddr& address) {
    return address.sa_family == AF_INET6 &&
           IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

std::vector<InterfaceAddress> interface_addresses(const Position& at) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        fail(at, "the list of interfaces cannot be read");
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    std::vector<InterfaceAddress> addresses;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        const sockaddr* address = entry->ifa_addr;
        if (address == nullptr || is_link_local(*address) ||
            (address->sa_family != AF_INET && address->sa_family != AF_INET6)) {
            continue;
        }
        const socklen_t length =
            address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) ==
            0) {
            addresses.push_back({entry->ifa_name, text.data()});
        }
    }
    return addresses;
}

/// Addresses as they are, interfaces as the addresses they have now.
std::vector<std::string> resolve(const Directive& line) {
    std::vector<std::string> resolved;
    std::vector<InterfaceAddress> interfaces;
    for (const std::string& arg : line.args) {
        if (auto address = parse_address(arg)) {
            resolved.push_back(std::move(*address));
            continue;
        }
        if (interfaces.empty()) {
            interfaces = interface_addresses(line.at);
        }
        const std::size_t before = resolved.size();
        for (const InterfaceAddress& entry : interfaces) {
            if (entry.interface == arg) {
                resolved.push_back(entry.address);
            }
        }
        if (resolved.size() == before) {
            const bool exists = ::if_nametoindex(arg.c_str()) != 0;
            fail(line.at,
                 exists ? "this interface has no address" : "not an IP address or interface name",
                 arg);
        }
    }
    return resolved;
}

void read_bind_except(const Directive& line, std::vector<std::string>& except) {
    expect_arguments(line, 1, kNoLimit);
    for (std::string& address : resolve(line)) {
        except.push_back(std::move(address));
    }
}

constexpr Option<std::vector<std::string>> kBindOptions[] = {{"except", read_bind_except}};

}  // namespace

std::vector<std::string> read_bind(const Directive& directive) {
    expect_arguments(directive, 1, kNoLimit);
    std::vector<std::string> except;
    read_options<std::vector<std::string>>(directive, kBindOptions, except);
    std::vector<std::string> addresses;
    for (std::string& address : resolve(directive)) {
        const auto is_same = [&](const std::string& other) { return other == address; };
        if (std::none_of(except.begin(), except.end(), is_same) &&
            std::none_of(addresses.begin(), addresses.end(), is_same)) {
            addresses.push_back(std::move(address));
        }
    }
    if (addresses.empty()) {
        fail(directive.at, "bind leaves no address to listen on", text_of(directive));
    }
    return addresses;
}

}  // namespace server
