#include "server/upstream_reason.h"

#include <cerrno>

#include "zones/message.h"

namespace server {
namespace {

using resolver::ForwardError;

std::string_view text_of(int cause) {
    switch (cause) {
        case 0:
            return "connection closed";
        case ECONNREFUSED:
            return "connection refused";
        case ECONNRESET:
        case EPIPE:
            return "connection reset";
        case ENETUNREACH:
            return "network unreachable";
        case EHOSTUNREACH:
            return "no route to host";
        case ETIMEDOUT:
            return "connection timed out";
        case EPERM:
        case EACCES:
            return "not permitted by the network";
        case EBADMSG:
            return "malformed reply";
        default:
            return "no connection";
    }
}

}  // namespace

std::uint16_t extended_error_of(const resolver::ForwardFailure& failure) {
    switch (failure.error) {
        case ForwardError::Timeout:
            return zones::extended_error::kNoReachableAuthority;
        case ForwardError::Network:
            return zones::extended_error::kNetworkError;
        default:
            return 0;
    }
}

void add_reason(const resolver::ForwardFailure& failure, zones::ReasonText& out) {
    if (failure.upstream == nullptr) {
        out.add("all upstreams are down or loop");
        return;
    }
    const resolver::Upstream& upstream = *failure.upstream;
    const bool v6 = upstream.address.find(':') != std::string::npos;
    out.add(v6 ? "upstream [" : "upstream ").add(upstream.address).add(v6 ? "]:" : ":");
    out.add(std::size_t{upstream.port});
    if (failure.error == ForwardError::Timeout) {
        out.add(" timed out");
    } else {
        out.add(": ").add(text_of(failure.cause));
    }
}

}  // namespace server
