#include "server/fixed_answers.h"

#include <cstring>

namespace server {
namespace {

using namespace std::string_view_literals;
using zones::JoinedName;
using zones::MessageWriter;
using zones::PlacedName;
using zones::Rcode;
using zones::Section;

constexpr std::uint32_t kAnyTtl = 8482;      // as CoreDNS: the number of the RFC
constexpr std::uint32_t kLocalTtl = 604800;  // as the zone files of RFC 1912 §4.1
constexpr auto kLocalhost = "\x09localhost\0"sv;
constexpr auto kRootLocalhost = "\x04root\x09localhost\0"sv;
constexpr auto kInAddrArpa =
    "\x07in-addr\x04"
    "arpa\0"sv;
constexpr auto kReverseOfLocalhost =
    "\x01"
    "1\x01"
    "0\x01"
    "0\x03"
    "127\x07in-addr\x04"
    "arpa\0"sv;

void put_text(std::string_view text, MessageWriter& out) {
    out.put_u8(static_cast<std::uint8_t>(text.size()));
    out.put_octets(text);
}

void add_whole(Section section, MessageWriter& out) {
    if (!out.end_record(section)) {
        out.mark_truncated();
    }
}

void add_chaos_text(std::string_view text, MessageWriter& out) {
    out.begin_relayed(out.placed(out.question_name()), zones::qtype::kTxt, 0, zones::kClassCh);
    put_text(text, out);
    add_whole(Section::Answer, out);
}

bool answer_chaos(const ChaosConfig& chaos, const zones::Query& query, std::uint32_t random,
                  MessageWriter& out) {
    const zones::NameView name = query.name.wire();
    if (name ==
            "\x07version\x04"
            "bind\0"sv ||
        name == "\x07version\x06server\0"sv) {
        add_chaos_text(chaos.version, out);
    } else if (name ==
                   "\x08hostname\x04"
                   "bind\0"sv ||
               name == "\x02id\x06server\0"sv) {
        add_chaos_text(chaos.host, out);
    } else if (name ==
               "\x07"
               "authors\x04"
               "bind\0"sv) {
        for (std::size_t i = 0; i < chaos.authors.size(); ++i) {
            add_chaos_text(chaos.authors[(i + random) % chaos.authors.size()], out);
        }
    } else {
        return false;
    }
    return true;
}

void add_soa(const PlacedName& zone, Section section, MessageWriter& out) {
    out.begin_record({{}, zone}, zones::qtype::kSoa, kLocalTtl);
    out.put_octets(kLocalhost);
    out.put_octets(kRootLocalhost);
    for (const std::uint32_t value : {1U, 0U, 0U, 0U, kLocalTtl}) {
        out.put_u32(value);
    }
    add_whole(section, out);
}

/// NS or PTR.
void add_name_record(const PlacedName& owner, std::uint16_t type, MessageWriter& out) {
    out.begin_record({{}, owner}, type, kLocalTtl);
    out.put_octets(kLocalhost);
    add_whole(Section::Answer, out);
}

/// A loopback address if one is asked for.
bool add_loopback(const PlacedName& owner, std::uint16_t qtype, MessageWriter& out) {
    if (qtype == zones::qtype::kA) {
        out.add_address({{}, owner}, Section::Answer, kLocalTtl, zones::Ipv4{{127, 0, 0, 1}});
    } else if (qtype == zones::qtype::kAaaa) {
        zones::Ipv6 loopback;
        loopback.octets.back() = 1;
        out.add_address({{}, owner}, Section::Answer, kLocalTtl, loopback);
    } else {
        return false;
    }
    return true;
}

/// How many labels the name has below localhost or a reverse zone of IPv4 that is nobody's;
/// nullopt: it is in none of them.
std::optional<std::size_t> labels_below_zone(const zones::LoweredName& name) {
    if (name.labels > 0 && name.suffix(name.labels - 1) == kLocalhost) {
        return name.labels - 1;
    }
    if (name.labels < 3 || name.suffix(name.labels - 2) != kInAddrArpa) {
        return std::nullopt;
    }
    const auto net = name.label(name.labels - 3);
    return net == "0" || net == "127" || net == "255" ? std::optional(name.labels - 3)
                                                      : std::nullopt;
}

Rcode answer_apex(const zones::AskedName& name, std::uint16_t qtype, MessageWriter& out) {
    const bool is_localhost = name.lowered->labels == 1;
    if (qtype == zones::qtype::kSoa) {
        add_soa(name.placed, Section::Answer, out);
    } else if (qtype == zones::qtype::kNs) {
        add_name_record(name.placed, qtype, out);
    } else if (!is_localhost || !add_loopback(name.placed, qtype, out)) {
        add_soa(name.placed, Section::Authority, out);
    }
    return Rcode::NoError;
}

}  // namespace

std::optional<Rcode> answer_local(const LocalConfig& local, const zones::AskedName& name,
                                  std::uint16_t qtype, MessageWriter& out) {
    const zones::LoweredName& lowered = *name.lowered;
    const auto below = labels_below_zone(lowered);
    const bool below_localhost = below > 0U && lowered.suffix(*below) == kLocalhost;
    const bool prefixed =
        local.localhost_prefix && lowered.labels > 1 && lowered.label(0) == "localhost";
    if (below_localhost || prefixed) {
        if (!add_loopback(name.placed, qtype, out)) {
            add_soa(name.placed, Section::Authority, out);
        }
        return Rcode::NoError;
    }
    if (!below) {
        return std::nullopt;
    }
    if (*below == 0) {
        return answer_apex(name, qtype, out);
    }
    const bool exists = lowered.wire() == kReverseOfLocalhost;
    if (exists && qtype == zones::qtype::kPtr) {
        add_name_record(name.placed, qtype, out);
        return Rcode::NoError;
    }
    const std::uint8_t cut = lowered.label_at[*below];
    add_soa({static_cast<std::uint16_t>(name.placed.offset + cut),
             static_cast<std::uint8_t>(name.placed.length - cut)},
            Section::Authority, out);
    return exists ? Rcode::NoError : Rcode::NxDomain;
}

std::optional<FixedReply> answer_fixed(const FixedAnswers& plugins, const zones::Query& query,
                                       std::uint32_t random, MessageWriter& out) {
    if (query.qclass == zones::kClassCh) {
        const bool answered = plugins.chaos && query.qtype == zones::qtype::kTxt &&
                              answer_chaos(*plugins.chaos, query, random, out);
        return answered ? std::optional(FixedReply{Rcode::NoError, Author::Chaos}) : std::nullopt;
    }
    if (query.qclass != zones::kClassIn) {
        return std::nullopt;
    }
    if (plugins.local) {
        const zones::AskedName name{out.question_name(), &query.name};
        if (const auto rcode = answer_local(*plugins.local, name, query.qtype, out)) {
            return FixedReply{*rcode, Author::Local};
        }
    }
    if (!plugins.any || query.qtype != zones::qtype::kAny) {
        return std::nullopt;
    }
    out.begin_record({{}, out.question_name()}, zones::qtype::kHinfo, kAnyTtl);
    put_text("ANY obsoleted", out);
    put_text("See RFC 8482", out);
    add_whole(Section::Answer, out);
    return FixedReply{Rcode::NoError, Author::Any};
}

void answer_whoami(const zones::Query& query, const Client& client, MessageWriter& out) {
    const JoinedName owner{{}, out.question_name()};
    const bool is_v6 = client.peer.any.sa_family == AF_INET6;
    if (is_v6) {
        zones::Ipv6 address;
        std::memcpy(address.octets.data(), &client.peer.v6.sin6_addr, address.octets.size());
        out.add_address(owner, Section::Additional, 0, address);
    } else {
        zones::Ipv4 address;
        std::memcpy(address.octets.data(), &client.peer.v4.sin_addr, address.octets.size());
        out.add_address(owner, Section::Additional, 0, address);
    }
    const auto label = client.tcp ? "\x04_tcp"sv : "\x04_udp"sv;
    if (query.name.size + label.size() > zones::kMaxNameLength) {
        return;  // there is no such name
    }
    out.begin_record({label, out.question_name()}, zones::qtype::kSrv, 0);
    out.put_u32(0);  // priority, weight
    out.put_u16(ntohs(is_v6 ? client.peer.v6.sin6_port : client.peer.v4.sin_port));
    out.put_u8(0);  // target: the root
    out.end_record(Section::Additional);
}

}  // namespace server
