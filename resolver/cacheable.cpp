#include "resolver/cacheable.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace resolver {
namespace {

using zones::NameView;
using zones::Octets;
using zones::Rcode;
using zones::Reader;
using zones::UpstreamReply;

constexpr std::uint16_t kTypeDname = 39;
constexpr std::uint16_t kTypeRrsig = 46;
constexpr std::uint16_t kClassAny = 255;
constexpr std::size_t kSoaMinimumSize = 4;

/// A name read out of a message.
struct ReadName {
    std::uint8_t octets[zones::kMaxNameLength];
    std::size_t size = 0;

    bool read(Reader& reader) { return (size = reader.name(octets)) != 0; }
    NameView view() const { return {reinterpret_cast<const char*>(octets), size}; }
};

bool is_at_or_below(NameView name, NameView zone) {
    while (name.size() > zone.size()) {
        name.remove_prefix(static_cast<std::uint8_t>(name[0]) + 1U);
    }
    return zones::equal_fold(name, zone);
}

/// Seconds until a signature ends, 0 if it has; in serial arithmetic (RFC 4034 §3.1.5).
std::uint32_t seconds_left(Octets rrsig, std::uint32_t unix_time) {
    constexpr std::size_t kExpiration = 8;  // its offset (RFC 4034 §3.1)
    if (rrsig.size() < kExpiration + 4) {
        return 0;
    }
    const std::uint32_t left = zones::read_u32(&rrsig[kExpiration]) - unix_time;
    return static_cast<std::int32_t>(left) > 0 ? left : 0;
}

struct Record {
    ReadName owner;
    std::uint16_t type = 0, rclass = 0;
    std::uint32_t ttl = 0;
    std::size_t rdata_at = 0;
    Octets rdata;

    bool read(Reader& reader) {
        if (!owner.read(reader)) {
            return false;
        }
        type = reader.u16();
        rclass = reader.u16();
        ttl = reader.u32();
        const std::uint16_t size = reader.u16();
        rdata_at = reader.at();
        rdata = reader.octets(size);
        return !reader.failed();
    }
};

/// Follows the records of a reply from the question on.
struct Trail {
    ReadName name;  // what is asked for now
    std::uint16_t qtype = 0, qclass = 0;
    bool answered = false;
    bool has_soa = false;
    std::uint32_t negative_ttl = 0;
    std::uint32_t least_ttl = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t signed_for = std::numeric_limits<std::uint32_t>::max();  // seconds

    /// False for a record that does not follow from the question.
    bool take_answer(const Record& record, Octets message) {
        if (record.type == kTypeRrsig && qtype != kTypeRrsig) {
            return true;
        }
        if (record.type == kTypeDname && qtype != kTypeDname) {
            return is_at_or_below(name.view(), record.owner.view());
        }
        if (!zones::equal_fold(record.owner.view(), name.view()) ||
            (record.rclass != qclass && qclass != kClassAny)) {
            return false;
        }
        if (record.type == qtype || qtype == zones::qtype::kAny) {
            answered = true;
            return true;
        }
        Reader target(message, record.rdata_at);
        return record.type == zones::qtype::kCname && !answered && name.read(target);
    }

    void take_authority(const Record& record) {
        if (record.type != zones::qtype::kSoa || record.rdata.size() < kSoaMinimumSize ||
            !is_at_or_below(name.view(), record.owner.view())) {
            return;
        }
        const std::uint32_t minimum =
            zones::read_u32(&record.rdata[record.rdata.size() - kSoaMinimumSize]);
        has_soa = true;
        negative_ttl = std::min(record.ttl, minimum);  // RFC 2308 §5
    }
};

/// One question, with its name in full: everything below builds on that.
bool has_plain_question(const UpstreamReply& reply) {
    Reader reader(reply.message, zones::kHeaderSize);
    reader.plain_name();
    reader.octets(4);
    return zones::read_u16(&reply.message[4]) == 1 && !reader.failed() &&
           reader.at() == reply.records_at;
}

/// The question of a message, as begin() of a writer wants it; nothing else of the query.
zones::Query question_of(const UpstreamReply& reply) {
    zones::Query query;
    query.message = reply.message;
    query.has_question = true;
    query.question_end = reply.records_at;
    query.qname = zones::as_text(
        reply.message.subspan(zones::kHeaderSize, reply.records_at - zones::kHeaderSize - 4));
    return query;
}

/// Our own copy, in which owners that repeat the question point to it. 0: malformed, or too long.
std::size_t rewrite(const UpstreamReply& reply, bool records, std::span<std::uint8_t> out) {
    zones::MessageWriter writer(out);
    writer.begin(question_of(reply), out.size());
    if (records &&
        (!zones::relay_records(reply, {.additional = false}, writer) || writer.truncated())) {
        return 0;
    }
    const std::size_t size = writer.finish(reply.rcode, 0, reply.flags3 & zones::header::kAd);
    for (std::size_t i = zones::kHeaderSize; i + 4 < reply.records_at; ++i) {
        out[i] = zones::to_lower(out[i]);  // a length octet is below 'A' (RFC 1035 §2.3.4)
    }
    return size;
}

bool follow(Octets message, std::uint32_t unix_time, Trail& trail) {
    Reader reader(message, zones::kHeaderSize);
    if (!trail.name.read(reader)) {
        return false;
    }
    trail.qtype = reader.u16();
    trail.qclass = reader.u16();
    const std::uint16_t answers = zones::read_u16(&message[6]);
    const std::uint16_t authorities = zones::read_u16(&message[8]);
    Record record;
    for (unsigned i = 0; i < answers + 0U + authorities; ++i) {
        if (!record.read(reader)) {
            return false;
        }
        trail.least_ttl = std::min(trail.least_ttl, record.ttl);
        if (record.type == kTypeRrsig) {
            trail.signed_for = std::min(trail.signed_for, seconds_left(record.rdata, unix_time));
        }
        if (i >= answers) {
            trail.take_authority(record);
        } else if (!trail.take_answer(record, message)) {
            return false;
        }
    }
    return true;
}

template <typename Change>
void change_ttls(std::span<std::uint8_t> message, Change change) {
    Reader reader(message, zones::kHeaderSize);
    reader.skip_name();
    reader.octets(4);
    const unsigned records = zones::read_u16(&message[6]) + 0U + zones::read_u16(&message[8]);
    for (unsigned i = 0; i < records; ++i) {
        reader.skip_name();
        reader.octets(4);
        const std::size_t at = reader.at();
        const std::uint32_t ttl = reader.u32();
        reader.octets(reader.u16());
        if (reader.failed()) {
            return;
        }
        zones::write_u32(&message[at], change(ttl));
    }
}

}  // namespace

std::optional<Cacheable> make_cacheable(const UpstreamReply& reply, const TtlLimits& limits,
                                        std::uint32_t unix_time, std::span<std::uint8_t> out) {
    const bool failure = reply.rcode == Rcode::ServFail || reply.rcode == Rcode::NotImp;
    if ((reply.flags2 & zones::header::kTc) != 0 || !has_plain_question(reply) ||
        out.size() < reply.records_at ||
        (!failure && reply.rcode != Rcode::NoError && reply.rcode != Rcode::NxDomain)) {
        return std::nullopt;
    }
    Cacheable kept;
    kept.size = rewrite(reply, !failure, out);
    if (kept.size == 0) {
        return std::nullopt;
    }
    if (failure) {
        kept.kind = AnswerKind::Failure;
        kept.lifetime = limits.failure;
        return kept;
    }
    Trail trail;
    if (!follow(out.first(kept.size), unix_time, trail)) {
        return std::nullopt;
    }
    kept.ttls = limits.success;
    const bool name_error = reply.rcode == Rcode::NxDomain;
    if (name_error || !trail.answered) {
        if (!trail.has_soa || (name_error && trail.answered)) {
            return std::nullopt;
        }
        kept.kind = AnswerKind::Denial;
        trail.least_ttl = std::min(trail.least_ttl, trail.negative_ttl);
        kept.ttls = limits.denial;
        kept.ttls.most = kept.ttls.clamp(trail.negative_ttl);
    }
    kept.ttls.most = std::min(kept.ttls.most, trail.signed_for);
    kept.lifetime = kept.ttls.clamp(trail.least_ttl);
    if (kept.lifetime == 0) {
        return std::nullopt;
    }
    change_ttls(out.first(kept.size), [&](std::uint32_t ttl) { return kept.ttls.clamp(ttl); });
    return kept;
}

std::size_t write_failure(NameView qname, std::uint16_t qtype, std::uint16_t qclass, Rcode rcode,
                          std::span<std::uint8_t> out) {
    std::fill_n(out.begin(), zones::kHeaderSize, std::uint8_t{0});
    out[2] = zones::header::kQr;
    out[3] = static_cast<std::uint8_t>(static_cast<unsigned>(rcode) & zones::header::kRcodeMask);
    out[5] = 1;
    std::memcpy(&out[zones::kHeaderSize], qname.data(), qname.size());
    const std::size_t at = zones::kHeaderSize + qname.size();
    zones::write_u16(&out[at], qtype);
    zones::write_u16(&out[at + 2], qclass);
    return at + 4;
}

void age_ttls(std::span<std::uint8_t> message, std::uint32_t seconds) {
    change_ttls(message, [&](std::uint32_t ttl) { return ttl - std::min(ttl, seconds); });
}

void set_ttls(std::span<std::uint8_t> message, std::uint32_t ttl) {
    change_ttls(message, [&](std::uint32_t) { return ttl; });
}

}  // namespace resolver
