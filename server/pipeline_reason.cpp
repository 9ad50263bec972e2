// What the pipeline says of why, by Extended DNS Errors (RFC 8914).
#include "server/pending_query.h"
#include "server/pipeline.h"
#include "server/upstream_reason.h"

namespace server {

/// Only to clients that sent EDNS (RFC 8914 §3), and not where the block has `ede off`; of no
/// block, where all have.
bool Pipeline::tells_why(const Asking& asking) const {
    if (!asking.query.has_edns) {
        return false;
    }
    const Block* block = asking.block != nullptr    ? asking.block
                         : asking.served != nullptr ? &routing_.blocks[asking.served->block]
                                                    : nullptr;
    return block == nullptr ? routing_.says_why : block->config->extended_errors;
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

/// What an RFC has no code for is Other (RFC 8914 §4.1).
void Pipeline::tell_malformed(Asking& asking) {
    if (tells_why(asking)) {
        reason_.clear();
        reason_.add("malformed query: ").add(asking.query.malformed);
        tell(asking, zones::extended_error::kOther, reason_.view());
    }
}

/// The bare header, all flags clear (RFC 8906 §8.1.4).
std::size_t Pipeline::refuse_opcode(Asking& asking) {
    const auto buffer = asking.writer.buffer();
    if (!asking.query.has_edns) {
        return write_bare_header(asking.query.message, zones::Rcode::NotImp, buffer);
    }
    tell(asking, zones::extended_error::kNotSupported, "only opcode QUERY is served");
    const std::size_t size = asking.writer.finish(zones::Rcode::NotImp, 0, 0);
    buffer[2] &= zones::header::kQr | zones::header::kOpcodeMask;
    buffer[3] = static_cast<std::uint8_t>(zones::Rcode::NotImp);
    return size;
}

void Pipeline::tell_version(Asking& asking) {
    if (tells_why(asking)) {
        reason_.clear();
        reason_.add("EDNS version ").add(std::size_t{asking.query.edns_version});
        reason_.add(" is not known, 0 is");
        tell(asking, zones::extended_error::kOther, reason_.view());
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

/// What is to be said with an upstream's reply, whoever asks; its text lives until the next reason.
zones::ExtendedError Pipeline::reason_of(const UpstreamReply& reply,
                                         const resolver::Upstream& upstream) {
    if (!reply) {
        return {};
    }
    reason_.clear();
    const std::uint16_t code = add_reason(upstream, *reply, reason_);
    return {code, reason_.view()};
}

/// `error` is reason_of() a reply, fresh or kept. Where the upstream gives no code, we have one.
void Pipeline::tell_of_upstream(Asking& asking, zones::Rcode rcode, zones::ExtendedError error) {
    using namespace zones::extended_error;
    if (error.code == kOther && rcode == zones::Rcode::ServFail) {
        error.code = asking.author == Author::Cache ? kCachedError
                     : asking.chain.links > 0       ? kNoReachableAuthority
                                                    : kOther;
    }
    // What a name was rewritten to is nobody's business; an upstream may name it.
    const bool hidden = asking.reply_rewrite != nullptr;
    tell(asking, error.code, hidden ? without_own_words(error.text) : error.text);
}

}  // namespace server
