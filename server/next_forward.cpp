#include "server/next_forward.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "zones/message.h"
#include "zones/reader.h"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The line after `index` in its block that serves the name.
std::optional<std::size_t> next_line(const Routing& routing, std::size_t index,
                                     std::span<const std::uint8_t> qname) {
    const zones::NameView name = zones::as_text(qname);
    for (const Block& block : routing.blocks) {
        const std::size_t end = block.first_forwarder + block.config->forwards.size();
        if (index < block.first_forwarder || index >= end) {
            continue;
        }
        for (std::size_t next = index + 1; next < end; ++next) {
            if (serves(*routing.forwards[next].config, name)) {
                return next;
            }
        }
    }
    return std::nullopt;
}

bool wants_next(const ForwardConfig& config, std::span<const std::uint8_t> reply) {
    if (reply.size() < zones::kHeaderSize) {
        return false;
    }
    const unsigned rcode = reply[3] & 0x0fU;
    const bool no_answer = reply[6] == 0 && reply[7] == 0;
    return (config.next >> rcode & 1U) != 0 || (config.next_on_nodata && rcode == 0 && no_answer);
}

}  // namespace

bool serves(const ForwardConfig& config, zones::NameView qname) {
    const bool excepted = std::any_of(
        config.except.begin(), config.except.end(),
        [&](const zones::Name& zone) { return zones::is_at_or_below(qname, zone.wire()); });
    return zones::equal_fold(qname, config.from.wire()) ||
           (zones::is_at_or_below(qname, config.from.wire()) && !excepted);
}

void ask_in_turn(const Routing& routing, const Forwarders& forwarders, std::size_t index,
                 const resolver::Question& question, resolver::Forwarder::Completion completion) {
    const ForwardConfig& config = *routing.forwards[index].config;
    const bool may_go_on = config.next != 0 || config.next_on_nodata;
    const auto next = may_go_on ? next_line(routing, index, question.qname) : std::nullopt;
    if (!next) {
        forwarders[index]->ask(question, std::move(completion));
        return;
    }
    std::vector<std::uint8_t> qname(question.qname.begin(), question.qname.end());
    forwarders[index]->ask(
        question, [&routing, &forwarders, &config, next = *next, question, qname = std::move(qname),
                   completion = std::move(completion), started = Clock::now()](const auto& reply) {
            if (!reply || !wants_next(config, reply->message)) {
                completion(reply);
                return;
            }
            resolver::Question again = question;
            again.qname = qname;
            again.patience -= std::chrono::duration_cast<milliseconds>(Clock::now() - started);
            ask_in_turn(routing, forwarders, next, again, completion);
        });
}

}  // namespace server
