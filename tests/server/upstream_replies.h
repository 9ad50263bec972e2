// Replies for fake upstreams, record by record.
// Free functions; one thread.
#pragma once

#include <string_view>

#include "tests/server/messages.h"
#include "tests/support/fake_upstream.h"
#include "zones/name.h"

namespace server::testing {

namespace detail {

inline void put_u16(Octets& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

inline void put_name(Octets& out, std::string_view text) {
    const auto name = zones::Name::parse(text).value();
    out.insert(out.end(), name.wire().begin(), name.wire().end());
}

inline void count(Octets& reply, zones::Section section) {
    const std::size_t at = 6 + 2 * static_cast<std::size_t>(section);
    support::write16(reply, at, static_cast<std::uint16_t>(support::read16(reply, at) + 1));
}

inline void put_record(Octets& reply, zones::Section section, std::string_view owner, unsigned type,
                       const Octets& rdata) {
    put_name(reply, owner);
    put_u16(reply, type);
    put_u16(reply, zones::kClassIn);
    put_u16(reply, 0);
    put_u16(reply, 60);
    put_u16(reply, static_cast<unsigned>(rdata.size()));
    reply.insert(reply.end(), rdata.begin(), rdata.end());
    count(reply, section);
}

}  // namespace detail

/// 192.0.2.`last`, TTL 60.
inline void add_address(Octets& reply, zones::Section section, std::string_view owner,
                        std::uint8_t last) {
    detail::put_record(reply, section, owner, zones::qtype::kA, {192, 0, 2, last});
}

inline void add_cname(Octets& reply, std::string_view owner, std::string_view target) {
    Octets rdata;
    detail::put_name(rdata, target);
    detail::put_record(reply, zones::Section::Answer, owner, zones::qtype::kCname, rdata);
}

inline void add_soa(Octets& reply, std::string_view zone) {
    Octets rdata;
    detail::put_name(rdata, "ns." + std::string(zone));
    detail::put_name(rdata, "hostmaster." + std::string(zone));
    rdata.insert(rdata.end(), 20, 1);
    detail::put_record(reply, zones::Section::Authority, zone, zones::qtype::kSoa, rdata);
}

inline void add_opt(Octets& reply, unsigned udp_size, const Octets& options) {
    reply.push_back(0);
    detail::put_u16(reply, zones::qtype::kOpt);
    detail::put_u16(reply, udp_size);
    reply.insert(reply.end(), 4, 0);
    detail::put_u16(reply, static_cast<unsigned>(options.size()));
    reply.insert(reply.end(), options.begin(), options.end());
    detail::count(reply, zones::Section::Additional);
}

/// The name that a query asks for, as text.
inline std::string asked_name(const support::Received& query) {
    const auto* begin = reinterpret_cast<const char*>(query.message.data()) + zones::kHeaderSize;
    std::size_t size = 0;
    while (begin[size] != 0) {
        size += static_cast<std::uint8_t>(begin[size]) + 1U;
    }
    return zones::to_string(zones::NameView(begin, size + 1));
}

/// A script: every name has the address 192.0.2.1.
inline void answer_with_address(support::FakeUpstream& upstream, const support::Received& query) {
    Octets reply = support::make_reply(query.message);
    add_address(reply, zones::Section::Answer, asked_name(query), 1);
    upstream.send(query, reply);
}

/// A script: this rcode and no records, but for the SOA record of `soa`, if it is not "".
inline support::FakeUpstream::Script with_rcode(std::uint8_t rcode, const std::string& soa = "") {
    return [=](support::FakeUpstream& upstream, const support::Received& query) {
        Octets reply = support::make_reply(query.message, rcode);
        if (!soa.empty()) {
            add_soa(reply, soa);
        }
        upstream.send(query, reply);
    };
}

}  // namespace server::testing
