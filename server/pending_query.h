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
    const ForwardConfig* forward = nullptr;  // of the upstream asked
    zones::AnswerStyle style{};
    zones::Chain chain{};
    std::uint8_t flags3 = 0;  // taken over from an upstream
    Clock::time_point started{};
    bool waits = false;  // for an upstream
};

struct Pipeline::PendingQuery {
    explicit PendingQuery(const Asking& asking)
        : message(asking.query.message.begin(), asking.query.message.end()),
          client(asking.client),
          route(asking.route),
          block(asking.block),
          forward(asking.forward),
          chain(asking.chain),
          started(asking.started),
          writer(asking.writer) {
        const auto written = asking.writer.buffer().first(asking.writer.position());
        reply.assign(written.begin(), written.end());
    }

    /// Goes on where the query left off, with `buffer` for the reply.
    Asking resume(const zones::Query& query, std::span<std::uint8_t> buffer) const {
        std::memcpy(buffer.data(), reply.data(), reply.size());
        Asking asking{query, client, route, writer};
        asking.writer.move_to(buffer);
        asking.block = block;
        asking.forward = forward;
        asking.chain = chain;
        asking.started = started;
        return asking;
    }

    std::vector<std::uint8_t> message;
    Client client;
    const Route& route;
    const Block* block;
    const ForwardConfig* forward;
    zones::Chain chain;
    Clock::time_point started;
    zones::MessageWriter writer;
    std::vector<std::uint8_t> reply;  // what was written before: header, question, CNAMEs
};

/// The header of `message` alone as a reply, with nothing but id, opcode and `rcode`.
std::size_t write_bare_header(zones::Octets message, zones::Rcode rcode,
                              std::span<std::uint8_t> out);

}  // namespace server
