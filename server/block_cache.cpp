#include "server/block_cache.h"

#include <ctime>

#include "server/zone_set.h"

namespace server {
namespace {

std::uint32_t unix_time() {
    return static_cast<std::uint32_t>(time(nullptr));
}

}  // namespace

BlockCache::BlockCache(const CacheConfig& config, zones::HashKey key)
    : written_(config.written),
      zones_(zone_set(config.zones)),
      no_success_(zone_set(config.no_success)),
      no_denial_(zone_set(config.no_denial)),
      store_(config.options, key) {}

bool BlockCache::covers(const zones::LoweredName& qname) const {
    return zones_.empty() || zones_.find(qname).has_value();
}

std::optional<BlockCache::Kept> BlockCache::take(const resolver::CacheQuestion& question,
                                                 const zones::LoweredName& qname,
                                                 const zones::UpstreamReply& reply,
                                                 const zones::ExtendedError& error,
                                                 Clock::time_point now,
                                                 std::span<std::uint8_t> buffer) {
    const auto kept = resolver::make_cacheable(reply, store_.options().ttls, unix_time(),
                                               buffer.first(resolver::AnswerCache::kMaxMessage));
    if (!kept) {
        return std::nullopt;
    }
    // A failure is one way of denying, as with CoreDNS.
    const auto& disabled = kept->kind == resolver::AnswerKind::Success ? no_success_ : no_denial_;
    if (disabled.find(qname)) {
        return std::nullopt;
    }
    return Kept{*kept, store_.insert(question, *kept, buffer.first(kept->size), now, error)};
}

std::uint64_t BlockCache::take_failure(const resolver::CacheQuestion& question,
                                       const zones::LoweredName& qname,
                                       const zones::ExtendedError& error, Clock::time_point now) {
    return no_denial_.find(qname) ? 0 : store_.insert_failure(question, error, now);
}

}  // namespace server
