#include "server/upstream_reason.h"

#include <cerrno>

#include "server/log_format.h"
#include "zones/message.h"

namespace server {
namespace {

using resolver::ForwardError;

std::string_view cause_text(int cause) {
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

zones::ReasonText& add_address(const resolver::Upstream& upstream, zones::ReasonText& out) {
    const bool v6 = upstream.address.find(':') != std::string::npos;
    out.add(v6 ? "upstream [" : "upstream ").add(upstream.address).add(v6 ? "]:" : ":");
    return out.add(std::size_t{upstream.port});
}

constexpr std::string_view kOwnWords = ": \"";  // begin so

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
    add_address(*failure.upstream, out);
    if (failure.error == ForwardError::Timeout) {
        out.add(" timed out");
    } else {
        out.add(": ").add(cause_text(failure.cause));
    }
}

std::uint16_t add_reason(const resolver::Upstream& upstream, const zones::UpstreamReply& reply,
                         zones::ReasonText& out) {
    const bool failed =
        reply.rcode != zones::Rcode::NoError && reply.rcode != zones::Rcode::NxDomain;
    const auto own = zones::find_extended_error(reply);
    if (!failed && !own) [[likely]] {
        return zones::extended_error::kOther;
    }
    add_address(upstream, out);
    if (failed) {
        out.add(" answered ").add(rcode_text(static_cast<unsigned>(reply.rcode)));
    }
    if (own && !own->text.empty()) {
        out.add(kOwnWords).add_foreign(own->text).add("\"");
    } else if (!failed) {
        out.add(" says so");
    }
    return own ? own->code : zones::extended_error::kOther;
}

std::string_view without_own_words(std::string_view text) {
    return text.substr(0, text.find(kOwnWords));
}

}  // namespace server
