#include "resolver/reply_check.h"

#include <algorithm>

#include "zones/name.h"

namespace resolver {

namespace {

std::uint16_t read16(std::span<const std::uint8_t> message, std::size_t at) {
    return static_cast<std::uint16_t>(message[at] << 8 | message[at + 1]);
}

bool same_question(std::span<const std::uint8_t> ours, std::span<const std::uint8_t> theirs) {
    const std::size_t name = ours.size() - 4;
    // Folding length octets too is harmless: none reaches 'A' (RFC 1035 §2.3.4).
    return std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(name),
                      theirs.begin(),
                      [](std::uint8_t a, std::uint8_t b) {
                          return zones::to_lower(a) == zones::to_lower(b);
                      }) &&
           std::ranges::equal(ours.subspan(name), theirs.subspan(name));
}

}  // namespace

bool is_for(std::span<const std::uint8_t> message, const UpstreamQuery& query) {
    const auto question = query.question();
    // A question cannot be compressed: there is nothing before it to point to.
    return message.size() >= kHeaderLength + question.size() && read16(message, 0) == query.id() &&
           read16(message, 4) == 1 &&
           same_question(question, message.subspan(kHeaderLength, question.size()));
}

std::optional<ReplyHeader> check_reply(std::span<const std::uint8_t> reply,
                                       const UpstreamQuery& query) {
    if (!is_for(reply, query))
        return std::nullopt;
    const bool response = (reply[2] & 0x80) != 0;
    const bool opcode_query = (reply[2] & 0x78) == 0;
    if (!response || !opcode_query)
        return std::nullopt;
    return ReplyHeader{.truncated = (reply[2] & 0x02) != 0,
                       .rcode = static_cast<std::uint8_t>(reply[3] & 0x0f),
                       .has_additional = read16(reply, 10) != 0};
}

}  // namespace resolver
