// What has kept upstreams from answering, or what they say of why, in a few words for the client.
// Knows failures and replies of a forwarder; knows no query. Pure.
#pragma once

#include "resolver/forward.h"
#include "zones/extended_error.h"
#include "zones/reason.h"

namespace server {

/// RFC 8914 §4.23, §4.24; 0 where no upstream is to blame.
std::uint16_t extended_error_of(const resolver::ForwardFailure& failure);

/// `upstream 192.0.2.1:53 timed out`: of what an upstream is to blame for.
void add_reason(const resolver::ForwardFailure& failure, zones::ReasonText& out);

/// What is to be said of an upstream's reply: that it is a failure, and what the upstream gives as
/// the reason, which is passed on as the upstream's (RFC 8914 §3). Its code is the upstream's own,
/// or 0, and the text is appended: `upstream 192.0.2.1:53 answered SERVFAIL: "no route"`. Nothing
/// for a usable reply without a reason.
std::uint16_t add_reason(const resolver::Upstream& upstream, const zones::UpstreamReply& reply,
                         zones::ReasonText& out);

/// `text` without what an upstream has said itself: that may have names in it.
std::string_view without_own_words(std::string_view text);

}  // namespace server
