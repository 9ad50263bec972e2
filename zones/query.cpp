#include "zones/query.h"

namespace zones {
namespace {

constexpr std::uint16_t kMaxAdditional = 2;  // OPT and TSIG
constexpr unsigned kMostSkipped = 8;         // records in front of the OPT of what is refused

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

Verdict malformed(Query& query, const char* what) {
    query.malformed = what;
    return Verdict::FormErr;
}

struct Additional {
    bool tsig = false;
};

/// One record of the additional section; null, or what is malformed about it.
const char* read_additional(Reader& reader, Query& query, Additional& found) {
    const std::size_t owner_at = reader.at();
    reader.skip_name();
    const bool root_owner = reader.at() == owner_at + 1;
    const std::uint16_t type = reader.u16();
    const std::uint16_t rclass = reader.u16();
    const std::uint32_t ttl = reader.u32();
    const Octets rdata = reader.octets(reader.u16());
    if (reader.failed()) {
        return "a record is cut short";
    }
    if (found.tsig) {  // RFC 8945 §5.1
        return "TSIG is not the last record";
    }
    if (type == qtype::kTsig) {
        found.tsig = true;
    } else if (type == qtype::kOpt) {
        if (query.has_edns) {
            return "more than one OPT record";  // RFC 6891 §6.1.1
        }
        if (!root_owner || !read_options(rdata, query)) {
            return "OPT";  // and none is in the reply
        }
        query.has_edns = true;
        query.udp_size = rclass;
        query.dnssec_ok = (ttl & 0x8000U) != 0;
        query.edns_version = static_cast<std::uint8_t>(ttl >> 16);
    }
    return nullptr;
}

/// Of what is refused without an answer: reads its OPT record, which then belongs in the reply (RFC
/// 6891 §6.1.1), if all sections are as in a query, short, and in order.
void look_for_opt(Octets message, Query& query) {
    const unsigned before = read_u16(&message[6]) + 0U + read_u16(&message[8]);
    const std::uint16_t questions = read_u16(&message[4]), additionals = read_u16(&message[10]);
    if (questions + 0U + before > kMostSkipped || additionals == 0 ||
        additionals > kMaxAdditional) {
        return;
    }
    Reader reader(message, kHeaderSize);
    for (std::uint16_t i = 0; i < questions; ++i) {
        reader.skip_name();
        reader.octets(4);
    }
    for (unsigned i = 0; i < before; ++i) {
        reader.skip_name();
        reader.octets(8);
        reader.octets(reader.u16());
    }
    Additional found;
    for (std::uint16_t i = 0; i < additionals && !reader.failed(); ++i) {
        if (read_additional(reader, query, found) != nullptr) {
            return;
        }
    }
}

/// The sections behind the question: what a query may have there, and nothing behind them.
Verdict read_after_question(Reader& reader, Query& query) {
    const std::uint8_t* counts = &query.message[4];
    const std::uint16_t authorities = read_u16(counts + 4);
    const std::uint16_t additionals = read_u16(counts + 6);
    // RFC 1995 §3: an IXFR query carries the client's SOA in the authority section.
    if (read_u16(counts) != 1 || read_u16(counts + 2) != 0 || additionals > kMaxAdditional ||
        authorities > (query.qtype == qtype::kIxfr ? 1 : 0)) {
        look_for_opt(query.message, query);
        return malformed(query, read_u16(counts) != 1 ? "more than one question"  // RFC 9619
                                                      : "records that no query has");
    }
    if (authorities == 1) {
        reader.skip_name();
        reader.octets(8);
        reader.octets(reader.u16());
    }
    Additional found;
    for (std::uint16_t i = 0; i < additionals; ++i) {
        if (const char* what = read_additional(reader, query, found)) {
            return malformed(query, what);
        }
    }
    if (!reader.at_end()) {
        return malformed(query, "octets behind the last record");
    }
    if (query.edns_version != 0) {
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
    query.udp_size = query.edns_version = 0;
    query.question_end = kHeaderSize;
    query.qname = {};
    if (message.size() < kHeaderSize || (message[2] & header::kQr) != 0) {
        return Verdict::Drop;
    }
    query.flags2 = message[2];
    query.flags3 = message[3];
    if ((message[2] & header::kOpcodeMask) != 0) {
        look_for_opt(message, query);
        return Verdict::NotImp;
    }
    if (read_u16(&message[4]) == 0 || message.size() == kHeaderSize) {
        look_for_opt(message, query);
        return malformed(query, "no question");
    }
    Reader reader(message, kHeaderSize);
    if (!read_question(reader, query)) {
        return malformed(query, "the question");
    }
    return read_after_question(reader, query);
}

}  // namespace zones
