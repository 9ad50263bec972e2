#include "zones/query.h"

namespace zones {
namespace {

constexpr std::uint16_t kMaxAdditional = 2;  // OPT and TSIG

bool read_question(Reader& reader, Query& query) {
    query.qname = reader.plain_name();  // a pointer would point into the header: malformed
    if (reader.failed()) {
        return false;
    }
    query.name.assign(query.qname);
    query.qtype = reader.u16();
    query.qclass = reader.u16();
    query.has_question = !reader.failed();
    query.question_end = reader.at();
    return query.has_question;
}

/// The options of an OPT record must fill it exactly; of what they say only NSID is asked for.
bool read_options(Octets options, Query& query) {
    Reader reader(options);
    while (!reader.failed() && !reader.at_end()) {
        query.wants_server_id = reader.u16() == kServerIdOption || query.wants_server_id;
        reader.octets(reader.u16());
    }
    return !reader.failed();
}

struct Additional {
    bool bad_version = false;
    bool tsig = false;
};

/// One record of the additional section; false if the message is malformed by it.
bool read_additional(Reader& reader, Query& query, Additional& found) {
    const std::size_t owner_at = reader.at();
    reader.skip_name();
    const bool root_owner = reader.at() == owner_at + 1;
    const std::uint16_t type = reader.u16();
    const std::uint16_t rclass = reader.u16();
    const std::uint32_t ttl = reader.u32();
    const Octets rdata = reader.octets(reader.u16());
    if (reader.failed() || found.tsig) {  // RFC 8945 §5.1: TSIG is the last record
        return false;
    }
    if (type == qtype::kTsig) {
        found.tsig = true;
    } else if (type == qtype::kOpt) {
        if (query.has_edns || !root_owner || !read_options(rdata, query)) {
            return false;  // RFC 6891 §6.1.1: at most one
        }
        query.has_edns = true;
        query.udp_size = rclass;
        query.dnssec_ok = (ttl & 0x8000U) != 0;
        found.bad_version = (ttl >> 16 & 0xffU) != 0;
    }
    return true;
}

/// A header without a question may still carry an OPT record, which then belongs in the reply.
Verdict read_without_question(Octets message, Query& query) {
    Reader reader(message, kHeaderSize);
    Additional found;
    if (read_u16(&message[10]) == 1 && message.size() > kHeaderSize) {
        read_additional(reader, query, found);
    }
    return Verdict::FormErr;
}

/// The sections behind the question: what a query may have there, and nothing behind them.
Verdict read_after_question(Reader& reader, Query& query) {
    const std::uint8_t* counts = &query.message[4];
    const std::uint16_t authorities = read_u16(counts + 4);
    const std::uint16_t additionals = read_u16(counts + 6);
    // RFC 1995 §3: an IXFR query carries the client's SOA in the authority section.
    if (read_u16(counts) != 1 || read_u16(counts + 2) != 0 || additionals > kMaxAdditional ||
        authorities > (query.qtype == qtype::kIxfr ? 1 : 0)) {
        return Verdict::FormErr;
    }
    if (authorities == 1) {
        reader.skip_name();
        reader.octets(8);
        reader.octets(reader.u16());
    }
    Additional found;
    for (std::uint16_t i = 0; i < additionals; ++i) {
        if (!read_additional(reader, query, found)) {
            return Verdict::FormErr;
        }
    }
    if (!reader.at_end()) {
        return Verdict::FormErr;
    }
    if (found.bad_version) {
        return Verdict::BadVers;
    }
    if (found.tsig) {
        return Verdict::NotAuth;
    }
    const bool transfer = query.qtype == qtype::kAxfr || query.qtype == qtype::kIxfr;
    return transfer ? Verdict::Refused : Verdict::Ask;
}

}  // namespace

Verdict parse_query(Octets message, Query& query) {
    query.message = message;
    query.has_question = query.has_edns = query.dnssec_ok = query.wants_server_id = false;
    query.udp_size = 0;
    query.question_end = kHeaderSize;
    query.qname = {};
    if (message.size() < kHeaderSize || (message[2] & header::kQr) != 0) {
        return Verdict::Drop;
    }
    query.flags2 = message[2];
    query.flags3 = message[3];
    if ((message[2] & header::kOpcodeMask) != 0) {
        return Verdict::NotImp;
    }
    if (read_u16(&message[4]) == 0 || message.size() == kHeaderSize) {
        return read_without_question(message, query);
    }
    Reader reader(message, kHeaderSize);
    if (!read_question(reader, query)) {
        return Verdict::FormErr;
    }
    return read_after_question(reader, query);
}

}  // namespace zones
