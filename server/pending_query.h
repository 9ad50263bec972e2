// A query while it is answered, and the copy of it that waits for an upstream.
// Asking borrows everything and lives during one call; PendingQuery owns what a late reply needs,
// and holds no view into a snapshot. Private to the pipeline.
#pragma once

#include <cstring>
#include <vector>

#include "server/pipeline.h"

namespace server {

struct Pipeline::Asking {
    const zones::Query& query;
    const Client& client;
    const Route& route;
    zones::MessageWriter writer;
    const Block* block = nullptr;            // null until one is found
    const ServedZone* served = nullptr;      // of the name in hand; null until there is one
    const Received* received = nullptr;      // with `query`, as long as it is what was asked
    ZoneCells* counted = nullptr;            // where the query is counted; null: nowhere
    CacheCells* cache_counted = nullptr;     // the same of `cache`
    Author author = Author::Server;          // who has written what is in `writer`
    const ForwardConfig* forward = nullptr;  // of the upstream asked
    BlockCache* cache = nullptr;             // null: what is asked now is not cached
    zones::PlacedName asked{};               // the name that goes upstream
    zones::AnswerStyle style{};
    zones::Chain chain{};
    std::uint8_t flags3 = 0;  // taken over from an upstream
    Clock::time_point started{};
    std::size_t size = 0;    // of the reply, once there is one
    bool waits = false;      // for an upstream
    bool has_stale = false;  // the cache knows an answer that has expired
    bool withheld = false;   // there will be no reply
    bool allowed = false;    // by an access list, and counted
    bool unshaped = false;   // answered before `header` and `minimal` come
    // After `rewrite`; `query` is then what the question has become.
    const zones::Query* original = nullptr;
    std::shared_ptr<const ReplyRewrite> reply_rewrite{};
    std::span<std::uint8_t> reply_buffer{};  // for the reply as asked; `writer` has another
};

struct Pipeline::PendingQuery {
    /// Anew; its vectors keep their memory.
    void hold(const Asking& asking) {
        message.assign(asking.query.message.begin(), asking.query.message.end());
        client = asking.client;
        route = &asking.route;
        block = asking.block;
        served = asking.served;
        counted = asking.counted;
        cache_counted = asking.cache_counted;
        forward = asking.forward;
        cache = asking.cache;
        asked = asking.asked;
        background = false;
        shares.reset();
        stale_at = Clock::time_point::max();
        chain = asking.chain;
        started = asking.started;
        writer = asking.writer;
        original_message.clear();
        reply_rewrite = nullptr;
        if (asking.reply_rewrite != nullptr) {
            const auto& original = asking.original->message;
            original_message.assign(original.begin(), original.end());
            reply_rewrite = asking.reply_rewrite;
        }
        const auto written = asking.writer.buffer().first(asking.writer.position());
        reply.assign(written.begin(), written.end());
    }

    /// Goes on where the query left off, with `buffer` for the reply.
    Asking resume(const zones::Query& query, std::span<std::uint8_t> buffer) const {
        std::memcpy(buffer.data(), reply.data(), reply.size());
        Asking asking{query, client, *route, writer};
        asking.writer.move_to(buffer);
        asking.block = block;
        asking.served = served;
        asking.counted = counted;
        asking.cache_counted = cache_counted;
        asking.forward = forward;
        asking.cache = cache;
        asking.asked = asked;
        asking.chain = chain;
        asking.started = started;
        return asking;
    }

    std::vector<std::uint8_t> message;
    std::vector<std::uint8_t> original_message;  // empty: `message` is what was asked
    std::shared_ptr<const ReplyRewrite> reply_rewrite;
    Client client;
    const Route* route = nullptr;
    const Block* block = nullptr;
    const ServedZone* served = nullptr;
    ZoneCells* counted = nullptr;
    CacheCells* cache_counted = nullptr;
    const ForwardConfig* forward = nullptr;
    BlockCache* cache = nullptr;
    zones::PlacedName asked{};
    bool background = false;       // no client waits (any more): only the cache does
    std::optional<Shares> shares;  // none where no client waits from the beginning
    Clock::time_point stale_at = Clock::time_point::max();  // then the client gets a stale answer
    zones::Chain chain{};
    Clock::time_point started{};
    zones::MessageWriter writer{{}};
    std::vector<std::uint8_t> reply;  // what was written before: header, question, CNAMEs
};

/// xorshift64* (Marsaglia, Vigna): which record comes first, or who is told why, is no secret.
inline std::uint32_t next_random(std::uint64_t& state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return static_cast<std::uint32_t>(state * 0x2545f4914f6cdd1dU >> 32);
}

/// Under what a cache has the reply to that query, asked for `qname`, which must outlive it.
resolver::CacheQuestion question_of(const zones::Query& query, const zones::LoweredName& qname);

/// Of the reply to that query, in octets; `block` may be null.
std::size_t size_limit(const zones::Query& query, const Client& client, const Block* block);

/// What the query asks for where the block is done with it: `header` may change RD.
bool wants_recursion(const Block& block, const zones::Query& query);

/// The header of `message` alone as a reply, with nothing but id, opcode and `rcode`.
std::size_t write_bare_header(zones::Octets message, zones::Rcode rcode,
                              std::span<std::uint8_t> out);

}  // namespace server
