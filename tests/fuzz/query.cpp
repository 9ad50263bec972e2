// Queries to the whole pipeline, several after one another: cluster, cache and upstream behind it.
// An input is a row of messages, each with an octet of options and two of length before it.
#include "zones/query.h"

#include <algorithm>

#include "tests/fuzz/world.h"
#include "tests/support/query_judge.h"

namespace fuzz {
namespace {

enum Options : std::uint8_t { kTcp = 1, kBlocked = 2, kAdvance = 4, kSettle = 8, kTick = 16 };

constexpr std::size_t kMostMessages = 8;
constexpr std::size_t kMostOctets = 2048;
constexpr std::size_t kMostWaiting = 1000;

void judge_reading(const Octets& message) {
    zones::Query query;
    const auto verdict = zones::parse_query(message, query);
    if (verdict == zones::Verdict::Drop) {
        return;
    }
    const std::string fault = support::inconsistency(message, query);
    require(fault.empty(), fault);
    if (verdict == zones::Verdict::Ask) {
        const std::string other = support::disagreement(message, query);
        require(other.empty(), other);
    }
}

/// With an id of its own, so that a late reply finds its query.
Octets numbered(Input octets) {
    static std::uint16_t last_id = 0;
    Octets message(octets.begin(), octets.end());
    if (message.size() > 1) {
        ++last_id;
        message[0] = static_cast<std::uint8_t>(last_id >> 8);
        message[1] = static_cast<std::uint8_t>(last_id);
    }
    message.shrink_to_fit();  // so that a read past it is seen
    return message;
}

/// Takes the query that `reply` is for off those that wait.
void judge_late(std::vector<Octets>& waiting, const Octets& reply) {
    const auto query = std::ranges::find_if(
        waiting, [&](const Octets& one) { return one[0] == reply[0] && one[1] == reply[1]; });
    require(query != waiting.end(), "a late reply to no query");
    judge_reply(*query, reply, false);
    waiting.erase(query);
}

}  // namespace

void run_query(Input input) {
    static std::unique_ptr<World> world;  // what one input leaves, the next one finds
    static std::vector<Octets> waiting;
    if (!world || world->worn_out() || waiting.size() > kMostWaiting) {
        world = std::make_unique<World>();
        waiting.clear();
    }
    const std::size_t late_before = world->late().size();
    Pieces pieces(input);
    for (std::size_t i = 0; i < kMostMessages && !pieces.at_end(); ++i) {
        const std::uint8_t options = pieces.u8();
        const std::size_t size = pieces.u16();
        const Octets message = numbered(pieces.take(std::min(size, kMostOctets)));
        judge_reading(message);
        const bool tcp = (options & kTcp) != 0;
        const auto client = server::testing::client_at(
            (options & kBlocked) != 0 ? "198.51.100.7" : "192.0.2.7", tcp);
        if ((options & kAdvance) != 0) {
            world->advance(std::chrono::seconds(20));
        }
        const auto handled = world->handle(message, client);
        if (handled.size > 0) {
            judge_reply(message, world->reply(), tcp);
        } else if (handled.waits && !tcp) {
            waiting.push_back(message);
        }
        if ((options & kSettle) != 0) {
            world->settle();
        }
        if ((options & kTick) != 0) {
            world->pipeline().tick(world->now());
        }
    }
    for (std::size_t i = late_before; i < world->late().size(); ++i) {
        judge_late(waiting, world->late()[i]);
    }
}

}  // namespace fuzz
