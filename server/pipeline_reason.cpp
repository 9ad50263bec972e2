// What the pipeline says of why, by Extended DNS Errors (RFC 8914).
#include "server/log_format.h"
#include "server/pending_query.h"
#include "server/pipeline.h"

namespace server {

/// Only to clients that sent EDNS (RFC 8914 §3), and not where the block has `ede off`.
bool Pipeline::tells_why(const Asking& asking) const {
    if (!asking.query.has_edns) {
        return false;
    }
    const Block* block = asking.block != nullptr    ? asking.block
                         : asking.served != nullptr ? &routing_.blocks[asking.served->block]
                                                    : nullptr;
    return block == nullptr || block->config->extended_errors;
}

/// The text is to live until finish().
void Pipeline::tell(Asking& asking, std::uint16_t extended_error, std::string_view text) {
    if (tells_why(asking)) {
        asking.writer.set_extended_error(extended_error, text);
    }
}

void Pipeline::tell_if_nothing_local(Asking& asking) {
    if (asking.author == Author::Local && asking.writer.count(zones::Section::Answer) == 0) {
        tell(asking, zones::extended_error::kOther, "a local name without such a record");
    }
}

void Pipeline::tell_stale(Asking& asking, zones::Rcode rcode) {
    using namespace zones::extended_error;
    if (rcode == zones::Rcode::NxDomain) {
        tell(asking, kStaleNxDomain, "an expired denial from the cache");
    } else {
        tell(asking, kStaleAnswer, "an expired answer from the cache");
    }
}

/// By a reply of its own that is one, fresh or kept.
void Pipeline::tell_failure_of_upstream(Asking& asking, zones::Rcode rcode) {
    using namespace zones::extended_error;
    if (!tells_why(asking)) {
        return;
    }
    const bool failed = rcode == zones::Rcode::ServFail;
    reason_.clear();
    reason_.add("an upstream answered ").add(rcode_text(static_cast<unsigned>(rcode)));
    tell(asking,
         failed && asking.author == Author::Cache ? kCachedError
         : failed && asking.chain.links > 0       ? kNoReachableAuthority
                                                  : kOther,
         reason_.view());
}

}  // namespace server
