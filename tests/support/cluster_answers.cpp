#include "tests/support/cluster_answers.h"

#include <algorithm>
#include <span>

#include <doctest/doctest.h>
#include <ldns/ldns.h>

#include "tests/support/wire_message.h"
#include "zones/query.h"

namespace support {
namespace {

std::vector<std::uint8_t> query_for(const Ask& question) {
    const auto qname = zones::Name::parse(question.qname);
    REQUIRE_MESSAGE(qname.has_value(), "not a name: ", question.qname);
    WireMessage query;
    query.count(WireMessage::kQuestion).raw(qname->wire()).u16(question.qtype).u16(1);
    if (question.edns_size) {
        query.opt(*question.edns_size, question.dnssec_ok ? 0x8000U : 0U);
    }
    return query.octets();
}

/// The sections' counts and the question are the same in every reply.
void check_frame(const Ask& question, const Reply& reply) {
    const Judged& message = reply.message;
    INFO("reply to ", question.qname, " type ", question.qtype);
    REQUIRE(message.fault == "");
    REQUIRE(message.id == 0x4b59);
    REQUIRE(message.opcode == 0);
    REQUIRE(message.has_flag("qr"));
    REQUIRE(message.has_flag("rd"));
    REQUIRE(message.question.size() == 1);
    REQUIRE(message.edns.has_value() == question.edns_size.has_value());
    if (message.edns) {
        REQUIRE(message.edns->flags == (question.dnssec_ok ? 0x8000 : 0));
        REQUIRE(message.edns->version == 0);
        REQUIRE((question.why || message.edns->option_octets == 0));
    }
}

}  // namespace

namespace {

Reply ask_once(const zones::ClusterZone& zone, const zones::Snapshot& snapshot, const Ask& question,
               std::vector<std::uint8_t>& buffer) {
    const auto octets = query_for(question);
    zones::Query query;
    REQUIRE(zones::parse_query(octets, query) == zones::Verdict::Ask);
    buffer.assign(zones::kMaxMessageSize, 0xee);
    zones::MessageWriter out(buffer);
    const std::size_t limit = question.tcp ? zones::kMaxMessageSize : zones::udp_limit(query);
    out.begin(query, limit);
    zones::ReasonText reason;
    const zones::AnswerStyle style{query.qtype, question.rotate, question.tcp, question.random,
                                   question.why ? &reason : nullptr};
    zones::Chain chain;
    auto result = zone.answer({out.question_name(), &query.name}, style, chain, snapshot, out);
    zones::LoweredName target;
    while (result.outcome == zones::ClusterZone::Outcome::NextName) {  // as the pipeline does
        target.assign(out.placed(result.target));
        if (!zone.is_ours(target)) {
            break;
        }
        if (has_owner(chain, target.wire(), out)) {
            result.outcome = zones::ClusterZone::Outcome::Done;
            break;
        }
        result = zone.answer({result.target, &target}, style, chain, snapshot, out);
    }
    Reply reply;
    reply.outcome = result.outcome;
    if (result.outcome == zones::ClusterZone::Outcome::NextName) {
        reply.target = zones::to_string(out.placed(result.target));
    }
    reply.size = out.finish(result.rcode, zones::header::kAa, 0);
    REQUIRE(reply.size <= limit);
    buffer.resize(reply.size);
    buffer.shrink_to_fit();  // so that a read past the end is seen
    reply.message = judge(buffer);
    check_frame(question, reply);
    return reply;
}

/// All in front of the options' length, which is the last field of a record without any.
std::span<const std::uint8_t> before_options(const std::vector<std::uint8_t>& message,
                                             std::size_t options) {
    return std::span(message).first(message.size() - options - 2);
}

}  // namespace

Reply ask(const zones::ClusterZone& zone, const zones::Snapshot& snapshot, const Ask& question) {
    std::vector<std::uint8_t> message;
    Reply reply = ask_once(zone, snapshot, question, message);
    if (question.edns_size) {
        Ask other = question;
        other.why = !question.why;
        std::vector<std::uint8_t> otherwise;
        const Reply again = ask_once(zone, snapshot, other, otherwise);
        REQUIRE(std::ranges::equal(before_options(message, reply.message.edns->option_octets),
                                   before_options(otherwise, again.message.edns->option_octets)));
    }
    return reply;
}

std::uint16_t type_number(const std::string& name) {
    return static_cast<std::uint16_t>(ldns_get_rr_type_by_name(name.c_str()));
}

}  // namespace support
