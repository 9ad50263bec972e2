// A query as a client sent it, checked.
// Knows the header, the one question and the OPT record (RFC 1035 §4.1, RFC 6891); refuses
// everything that a client has no reason to send. Borrows the message. One thread at a time.
#pragma once

#include <cstdint>

#include "zones/message.h"
#include "zones/name.h"
#include "zones/reader.h"

namespace zones {

/// What to do with a message after its first reading.
enum class Verdict : std::uint8_t {
    Ask,      // a question to be answered
    Drop,     // no reply: too short for a header, or itself a reply
    FormErr,  // reply with the question if it was read
    NotImp,   // reply with the bare header, and with OPT if there was one
    BadVers,
    NotAuth,  // signed, with keys that we do not have (RFC 8945 §5.2.1)
    Refused,  // a zone transfer
};

/// Read anew for each message.
struct Query {
    Octets message;
    std::uint8_t flags2 = 0, flags3 = 0;  // octets 2 and 3 of the header
    std::uint16_t qtype = 0, qclass = 0;
    bool has_question = false;
    bool has_edns = false;
    bool dnssec_ok = false;
    bool wants_server_id = false;   // RFC 5001 §2.1
    std::uint8_t edns_version = 0;  // of BadVers
    std::uint16_t udp_size = 0;     // what the OPT record says; 0 without one
    std::size_t question_end = 0;   // first octet after the question
    const char* malformed = "";     // of FormErr: what is, in a few words
    NameView qname;                 // in the message, as spelled there
    LoweredName name;               // qname in lower case

    bool recursion_desired() const { return (flags2 & header::kRd) != 0; }
    bool checking_disabled() const { return (flags3 & header::kCd) != 0; }
    bool authentic_data() const { return (flags3 & header::kAd) != 0; }
};

/// Fills `query` from `message`, which must outlive it.
Verdict parse_query(Octets message, Query& query);

}  // namespace zones
