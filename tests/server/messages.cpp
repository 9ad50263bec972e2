#include "tests/server/messages.h"

#include <cstdio>
#include <stdexcept>

#include "tests/support/dns_judge.h"
#include "zones/name.h"

namespace server::testing {
namespace {

void put_u16(Octets& out, unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

Octets make_query(const Asked& asked) {
    Octets out;
    put_u16(out, asked.id);
    out.push_back(asked.flags2);
    out.push_back(asked.flags3);
    for (const unsigned count : {1U, 0U, 0U, asked.edns ? 1U : 0U}) {
        put_u16(out, count);
    }
    const auto name = zones::Name::parse(asked.name);
    if (!name) {
        throw std::runtime_error("not a name: " + asked.name);
    }
    out.insert(out.end(), name->wire().begin(), name->wire().end());
    put_u16(out, asked.type);
    put_u16(out, asked.qclass);
    if (asked.edns) {
        out.push_back(0);
        put_u16(out, zones::qtype::kOpt);
        put_u16(out, asked.udp_size);
        out.push_back(0);
        out.push_back(asked.version);
        put_u16(out, asked.dnssec_ok ? 0x8000 : 0);
        put_u16(out, static_cast<unsigned>(asked.options.size()));
        out.insert(out.end(), asked.options.begin(), asked.options.end());
    }
    return out;
}

Reply read_reply(std::span<const std::uint8_t> message) {
    support::Judged judged = support::judge(message);
    if (!judged.fault.empty()) {
        throw std::runtime_error("malformed reply: " + judged.fault);
    }
    Reply reply;
    reply.id = judged.id;
    reply.rcode = judged.rcode_name();
    for (const std::string& flag : judged.flags) {
        reply.flags += (reply.flags.empty() ? "" : " ") + flag;
    }
    reply.edns = judged.edns.has_value();
    reply.dnssec_ok = reply.edns && (judged.edns->flags & 0x8000U) != 0;
    reply.why = reply.edns ? judged.edns->extended_error : "";
    reply.extended_error =
        static_cast<std::uint16_t>(reply.why.empty() ? 0 : std::stoul(reply.why));
    reply.question = std::move(judged.question);
    reply.answer = std::move(judged.answer);
    reply.authority = std::move(judged.authority);
    reply.additional = std::move(judged.additional);
    reply.size = message.size();
    return reply;
}

std::string verdict_of(const Reply& reply) {
    return reply.rcode + " " + reply.flags;
}

std::string header_of(std::span<const std::uint8_t> message) {
    char text[32] = "";
    if (message.size() >= zones::kHeaderSize) {
        std::snprintf(text, sizeof text, "%02x%02x %02x %02x", message[0], message[1], message[2],
                      message[3]);
    }
    return text;
}

std::vector<Octets> unframed(std::span<const std::uint8_t> stream) {
    std::vector<Octets> messages;
    while (stream.size() >= 2) {
        const std::size_t size = zones::read_u16(stream.data());
        if (stream.size() - 2 < size) {
            break;
        }
        const auto message = stream.subspan(2, size);
        messages.emplace_back(message.begin(), message.end());
        stream = stream.subspan(2 + size);
    }
    return messages;
}

Octets framed(const Octets& message) {
    Octets out;
    put_u16(out, static_cast<unsigned>(message.size()));
    out.insert(out.end(), message.begin(), message.end());
    return out;
}

}  // namespace server::testing
