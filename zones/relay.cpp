#include "zones/relay.h"

#include <algorithm>
#include <array>

namespace zones {
namespace {

/// How the rdata of a type begins; what follows is opaque. RFC 1035 types may be compressed again,
/// later ones must not be, though some senders do (RFC 3597 §4).
struct RdataLayout {
    std::uint16_t type;
    std::uint8_t fixed;    // octets before the first name
    std::uint8_t strings;  // character-strings after these
    std::uint8_t names;
    bool compress;
    bool leads = false;  // the first name is where the record leads to: NameChange::value()
};

constexpr std::array kLayouts = std::to_array<RdataLayout>({
    {2, 0, 0, 1, true, true},    // NS
    {3, 0, 0, 1, true},          // MD
    {4, 0, 0, 1, true},          // MF
    {5, 0, 0, 1, true, true},    // CNAME
    {6, 0, 0, 2, true, true},    // SOA
    {7, 0, 0, 1, true},          // MB
    {8, 0, 0, 1, true},          // MG
    {9, 0, 0, 1, true},          // MR
    {12, 0, 0, 1, true, true},   // PTR
    {14, 0, 0, 2, true},         // MINFO
    {15, 2, 0, 1, true, true},   // MX
    {17, 0, 0, 2, false},        // RP
    {18, 2, 0, 1, false},        // AFSDB
    {21, 2, 0, 1, false},        // RT
    {24, 18, 0, 1, false},       // SIG
    {26, 2, 0, 2, false},        // PX
    {30, 0, 0, 1, false},        // NXT
    {33, 6, 0, 1, false, true},  // SRV
    {35, 4, 3, 1, false, true},  // NAPTR
    {36, 2, 0, 1, false},        // KX
    {39, 0, 0, 1, false, true},  // DNAME
});

const RdataLayout* layout_of(std::uint16_t type) {
    const auto* at = std::lower_bound(
        kLayouts.begin(), kLayouts.end(), type,
        [](const RdataLayout& layout, std::uint16_t t) { return layout.type < t; });
    return at != kLayouts.end() && at->type == type ? at : nullptr;
}

struct Record {
    std::uint16_t type = 0, rclass = 0;
    std::uint32_t ttl = 0;
    std::size_t rdata_end = 0;
};

/// Copies rdata from `reader`, which stands at its first octet, with the names in it expanded.
bool relay_rdata(Reader& reader, const Record& record, NameChange* names, MessageWriter& out) {
    const std::size_t size = record.rdata_end - reader.at();
    if ((record.type == qtype::kA && size != 4) || (record.type == qtype::kAaaa && size != 16)) {
        return false;
    }
    if (const RdataLayout* layout = layout_of(record.type)) {
        out.put_octets(as_text(reader.octets(layout->fixed)));
        for (int i = 0; i < layout->strings; ++i) {
            const std::uint8_t length = reader.u8();
            out.put_u8(length);
            out.put_octets(as_text(reader.octets(length)));
        }
        for (int i = 0; i < layout->names; ++i) {
            std::uint8_t octets[kMaxNameLength];
            const std::size_t length = reader.name(octets);
            if (length == 0) {
                return false;
            }
            NameView name = as_text({octets, length});
            if (names != nullptr && layout->leads && i == 0) {
                name = names->value(name);
            }
            if (layout->compress) {
                out.put_compressed(name);
            } else {
                out.put_octets(name);
            }
        }
    }
    if (reader.failed() || reader.at() > record.rdata_end) {
        return false;
    }
    out.put_octets(as_text(reader.octets(record.rdata_end - reader.at())));
    return !reader.failed();
}

enum class Relayed : std::uint8_t { Done, NoRoom, Malformed };

Relayed relay_record(Reader& reader, Section section, const RelayedSections& wanted,
                     MessageWriter& out) {
    const bool take = section == Section::Answer ||
                      (section == Section::Authority ? wanted.authority : wanted.additional);
    std::uint8_t owner[kMaxNameLength];
    const std::size_t owner_length = reader.name(owner);
    Record record;
    record.type = reader.u16();
    record.rclass = reader.u16();
    record.ttl = reader.u32();
    const std::uint16_t rdata_length = reader.u16();
    record.rdata_end = reader.at() + rdata_length;
    if (owner_length == 0 || reader.failed()) {
        return Relayed::Malformed;
    }
    if (record.type == qtype::kOpt && record.ttl >> 24 != 0) {
        return Relayed::Malformed;  // BADVERS and its like are about our OPT record, no answer
    }
    if (!take || record.type == qtype::kOpt || record.type == qtype::kTsig) {
        reader.octets(rdata_length);
        return reader.failed() ? Relayed::Malformed : Relayed::Done;
    }
    if ((record.ttl & 0x80000000U) != 0) {
        record.ttl = 0;  // RFC 2181 §8
    }
    NameView name = as_text({owner, owner_length});
    if (wanted.names != nullptr) {
        name = wanted.names->owner(name);
    }
    out.begin_relayed(name, record.type, wanted.ttls.clamp(record.ttl), record.rclass);
    const bool good = relay_rdata(reader, record, wanted.names, out);
    const bool fits = out.end_record(section);
    return !good ? Relayed::Malformed : fits ? Relayed::Done : Relayed::NoRoom;
}

}  // namespace

std::optional<UpstreamReply> parse_upstream_reply(Octets message) {
    if (message.size() < kHeaderSize) {
        return std::nullopt;
    }
    UpstreamReply reply;
    reply.message = message;
    reply.flags2 = message[2];
    reply.flags3 = message[3];
    reply.rcode = static_cast<Rcode>(message[3] & header::kRcodeMask);
    for (std::size_t i = 0; i < 3; ++i) {
        reply.counts[i] = read_u16(&message[6 + 2 * i]);
    }
    Reader reader(message, kHeaderSize);
    for (std::uint16_t i = read_u16(&message[4]); i > 0; --i) {
        reader.skip_name();
        reader.octets(4);
    }
    if (reader.failed()) {
        return std::nullopt;
    }
    reply.records_at = reader.at();
    return reply;
}

bool relay_records(const UpstreamReply& reply, RelayedSections wanted, MessageWriter& out) {
    Reader reader(reply.message, reply.records_at);
    for (std::size_t s = 0; s < 3; ++s) {
        const auto section = static_cast<Section>(s);
        for (std::uint16_t i = 0; i < reply.counts[s]; ++i) {
            switch (relay_record(reader, section, wanted, out)) {
                case Relayed::Malformed:
                    return false;
                case Relayed::NoRoom:
                    if (section != Section::Additional) {
                        out.mark_truncated();
                    }
                    return true;  // what follows would be out of order
                case Relayed::Done:
                    break;
            }
        }
    }
    return true;
}

}  // namespace zones
