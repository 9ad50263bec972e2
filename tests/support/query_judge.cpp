#include "tests/support/query_judge.h"

#include <algorithm>
#include <vector>

#include "tests/support/dns_judge.h"
#include "zones/writer.h"

namespace support {

std::string disagreement(zones::Octets message, const zones::Query& query) {
    // The rdata of other records is not ours to judge, and ldns leaks some of it.
    if (zones::read_u16(&message[10]) > (query.has_edns ? 1 : 0)) {
        return {};
    }
    const Judged judged = judge(message);
    if (!judged.fault.empty() || judged.question.size() != 1) {
        return "ldns does not take it: " + judged.fault;
    }
    const std::string& text = judged.question.front();  // ldns escapes other octets than we do
    const auto name = zones::Name::parse(text.substr(0, text.rfind(' ', text.rfind(' ') - 1)));
    if (!name || name->wire() != query.qname) {
        return "another qname: " + text;
    }
    if (judged.edns.has_value() != query.has_edns) {
        return "OPT";
    }
    if (judged.edns && (judged.edns->udp_size != query.udp_size || judged.edns->version != 0 ||
                        ((judged.edns->flags & 0x8000) != 0) != query.dnssec_ok)) {
        return "another OPT";
    }
    return {};
}

std::string inconsistency(zones::Octets message, const zones::Query& query) {
    if (query.question_end > std::max(message.size(), zones::kHeaderSize)) {
        return "the question ends behind the message";
    }
    if (query.has_question) {
        zones::LoweredName again;
        again.assign(query.qname);
        if (query.name.wire() != zones::to_lower(query.qname) ||
            again.labels != query.name.labels ||
            !std::equal(again.label_at.begin(),
                        again.label_at.begin() + static_cast<std::ptrdiff_t>(again.labels) + 1,
                        query.name.label_at.begin())) {
            return "the lowered name is not the name";
        }
    }
    std::vector<std::uint8_t> buffer(zones::kClassicUdpSize);
    zones::MessageWriter out(buffer);
    out.begin(query, zones::udp_limit(query));
    buffer.resize(out.finish(zones::Rcode::FormErr, 0, 0));
    const Judged judged = judge(buffer);
    if (!judged.fault.empty() || judged.question.size() != (query.has_question ? 1 : 0) ||
        judged.edns.has_value() != query.has_edns) {
        return "its refusal: " + judged.fault;
    }
    return {};
}

}  // namespace support
