// What an upstream says: taken over, kept, served again, aged; and the same through c-ares.
// An input is an octet that chooses the question, and the octets behind the id of the reply.
#include <algorithm>
#include <array>

#include "resolver/cacheable.h"
#include "tests/fuzz/world.h"
#include "tests/support/wire_message.h"
#include "zones/reader.h"
#include "zones/relay.h"

namespace fuzz {
namespace {

using zones::kHeaderSize;

Octets question(std::uint8_t choice) {
    constexpr std::array kNames{"www.example.com.",
                                "a.",
                                ".",
                                "old.example.com.",
                                "x.y.z.short.test.",
                                "cdn.minimal.test.",
                                "host.echo.test.",
                                "_sip._tcp.example.com."};
    constexpr std::array<unsigned, 8> kTypes{1, 28, 5, 33, 16, 15, 255, 65};
    support::WireMessage message(choice % 2 == 0 ? 0x0100 : 0x0110);
    message.question(kNames[choice >> 1U & 7U], kTypes[choice >> 4U & 7U]);
    if ((choice & 0x80U) != 0) {
        message.opt(1232, 0x8000);
    }
    return message.octets();
}

/// The structure that we write is sound whatever came; the inside of rdata is the upstream's.
void judge_structure(Input message) {
    zones::Reader reader(message, kHeaderSize);
    std::uint8_t name[zones::kMaxNameLength];
    for (std::size_t s = 0; s < 4; ++s) {
        for (int i = zones::read_u16(&message[4 + 2 * s]); i > 0; --i) {
            require(reader.name(name) > 0, "a record that is not there, or a name that is none");
            reader.octets(s == 0 ? 4 : 8);
            if (s > 0) {
                reader.octets(reader.u16());
            }
        }
    }
    require(reader.at_end(), "octets behind the last record");
}

void take_over(const Octets& asked, const Octets& message) {
    const auto reply = zones::parse_upstream_reply(message);
    zones::Query query;
    if (!reply || zones::parse_query(asked, query) != zones::Verdict::Ask) {
        return;
    }
    for (const std::size_t limit : {std::size_t{512}, std::size_t{1232}, zones::kMaxMessageSize}) {
        std::vector<std::uint8_t> buffer(limit);
        zones::MessageWriter out(buffer);
        out.begin(query, limit);
        if (zones::relay_records(*reply, {.authority = limit != 1232}, out)) {
            judge_structure(Input(buffer).first(out.finish(reply->rcode, 0, 0)));
        }
    }
}

void keep(const Octets& message) {
    const auto reply = zones::parse_upstream_reply(message);
    if (!reply) {
        return;
    }
    std::vector<std::uint8_t> buffer(zones::kMaxMessageSize);
    const resolver::TtlLimits limits;
    const auto kept = resolver::make_cacheable(*reply, limits, 1'800'000'000, buffer);
    if (!kept) {
        return;
    }
    const auto made = std::span(buffer).first(kept->size);
    require(kept->lifetime <= limits.success.most, "kept for longer than the operator wants");
    judge_structure(made);
    resolver::age_ttls(made, 7);
    resolver::set_ttls(made, 1);
    judge_structure(made);
}

/// With the id that it was sent with, and its question if it has room for it.
Octets addressed(const Octets& query, Octets reply) {
    const std::size_t header = std::min<std::size_t>(2, reply.size());
    std::copy_n(query.begin(), header, reply.begin());
    return reply;
}

void through_the_pipeline(const Octets& asked, const Octets& message) {
    static std::unique_ptr<World> world;
    if (!world || world->worn_out()) {
        world = std::make_unique<World>();
    }
    world->upstream().set_script([&](support::FakeUpstream& self, const support::Received& query) {
        self.send(query, addressed(query.message, message));
    });
    const std::size_t before = world->late().size();
    if (world->handle(asked).size > 0) {
        judge_reply(asked, world->reply(), false, true);
        judge_structure(world->reply());
    }
    world->settle();
    world->advance(std::chrono::seconds(5));
    world->pipeline().tick(world->now());
    for (std::size_t i = before; i < world->late().size(); ++i) {
        judge_structure(world->late()[i]);
    }
    world->upstream().set_script({});
}

}  // namespace

void run_reply(Input input) {
    Pieces pieces(input);
    const Octets asked = question(pieces.u8());
    const Input rest = pieces.rest();
    Octets message{0x4b, 0x59};
    message.insert(message.end(), rest.begin(), rest.end());
    message.shrink_to_fit();
    take_over(asked, message);
    keep(message);
    through_the_pipeline(asked, message);
}

}  // namespace fuzz
