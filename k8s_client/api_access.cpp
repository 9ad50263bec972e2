#include "k8s_client/api_access.h"

#include <algorithm>
#include <charconv>

#include "k8s_client/api_names.h"
#include "k8s_client/one_line_journal.h"

namespace k8s_client {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

[[noreturn]] void refuse(const std::string& url, const std::string& why) {
    throw AccessError("not the URL of an API server: '" + url + "': " + why +
                      "; it has the form https://HOST[:PORT][/PATH]");
}

bool is_printable(char c) {
    return c > ' ' && c < '\x7f';
}

/// What stands between the scheme and the path.
struct Authority {
    std::string_view host;
    std::string_view port;
    bool has_port = false;
};

Authority read_authority(const std::string& url, std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        const std::string_view host = text.substr(1, close - 1);
        if (close == text.npos || ip_family(host) != IpFamily::V6) {
            refuse(url, "no IPv6 address between brackets");
        }
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':') {
            refuse(url, "only a port may follow the address");
        }
        return {host, rest.substr(rest.empty() ? 0 : 1), !rest.empty()};
    }
    const std::size_t colon = text.find(':');
    const std::string_view host = text.substr(0, colon);
    if (ip_family(text) == IpFamily::V6) {
        refuse(url, "an IPv6 address stands in brackets");
    }
    if (ip_family(host) != IpFamily::V4 && !external_name_fault(host).empty()) {
        refuse(url, "the host is neither an address nor a name");
    }
    return {host, colon == text.npos ? std::string_view() : text.substr(colon + 1),
            colon != text.npos};
}

}  // namespace

std::uint16_t port_number(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t{0};
}

std::string host_and_port(const ApiAccess& access) {
    const bool is_v6 = ip_family(access.host) == IpFamily::V6;
    return (is_v6 ? '[' + access.host + ']' : access.host) + ':' + std::to_string(access.port);
}

AccessError::AccessError(const std::string& what)
    : std::runtime_error(OneLineJournal::one_line(what)) {}

ApiAccess access_to(const std::string& url) {
    const std::size_t scheme = url.find("://");
    ApiAccess access;
    access.tls = url.starts_with("https://");
    if (!access.tls && !url.starts_with("http://")) {
        refuse(url, "it does not start with https:// or http://");
    }
    if (!std::all_of(url.begin(), url.end(), is_printable)) {
        refuse(url, "it has a blank or a control character");
    }
    const std::string_view rest = std::string_view(url).substr(scheme + 3);
    const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
    if (rest.substr(0, slash).find('@') != rest.npos) {
        // Not shown: it may hold a password.
        throw AccessError(
            "the URL of the API server holds a user name: give a token or a certificate");
    }
    if (rest.find_first_of("?#") != rest.npos) {
        refuse(url, "it has a query or a fragment");
    }
    const Authority authority = read_authority(url, rest.substr(0, slash));
    access.host = authority.host;
    access.port = access.tls ? kHttpsPort : kHttpPort;
    if (authority.has_port) {
        access.port = port_number(authority.port);
    }
    if (access.port == 0) {
        refuse(url, "the port is not a number from 1 to 65535");
    }
    access.path = rest.substr(slash);
    while (access.path.ends_with('/')) {
        access.path.pop_back();
    }
    return access;
}

}  // namespace k8s_client
