#include "resolver/upstream_query.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "zones/name.h"

namespace resolver {

namespace {

constexpr std::uint16_t kRecursionDesired = 0x0100;
constexpr std::uint16_t kAuthenticData = 0x0020;     // RFC 6840 §5.7
constexpr std::uint16_t kCheckingDisabled = 0x0010;  // RFC 4035 §3.2.2
constexpr std::uint16_t kDnssecOk = 0x8000;          // RFC 3225 §3
constexpr std::uint16_t kTypeOpt = 41;
constexpr std::size_t kArcountLowOctet = 11;

std::uint16_t flags_of(const Question& question) {
    unsigned flags = 0;
    if (question.recursion_desired)
        flags |= kRecursionDesired;
    if (question.authentic_data)
        flags |= kAuthenticData;
    if (question.checking_disabled)
        flags |= kCheckingDisabled;
    return static_cast<std::uint16_t>(flags);
}

}  // namespace

UpstreamQuery::UpstreamQuery(const Question& question) {
    assert(!question.qname.empty() && question.qname.size() <= 255);
    append16(0);  // the id, drawn for each attempt
    append16(flags_of(question));
    append16(1);
    append16(0);
    append16(0);
    append16(1);
    append(question.qname);
    append16(question.qtype);
    append16(question.qclass);
    // RFC 6891 §6.1.2: the root, OPT, our payload, extended rcode and version 0, flags, no options.
    append(std::array<std::uint8_t, 1>{0});
    append16(kTypeOpt);
    append16(kUpstreamPayload);
    append16(0);
    append16(question.dnssec_ok ? kDnssecOk : 0);
    append16(0);
}

std::span<const std::uint8_t> UpstreamQuery::message(std::uint16_t id, bool edns) {
    wire_[0] = static_cast<std::uint8_t>(id >> 8);
    wire_[1] = static_cast<std::uint8_t>(id & 0xff);
    wire_[kArcountLowOctet] = edns ? 1 : 0;
    return {wire_.data(), edns ? size_ : size_ - kOptLength};
}

std::span<const std::uint8_t> UpstreamQuery::question() const {
    return {wire_.data() + kHeaderLength, size_ - kOptLength - kHeaderLength};
}

std::uint16_t UpstreamQuery::id() const {
    return static_cast<std::uint16_t>(wire_[0] << 8 | wire_[1]);
}

bool UpstreamQuery::asks_the_same(const UpstreamQuery& other) const {
    const auto end = wire_.begin() + static_cast<std::ptrdiff_t>(size_);
    const auto name = wire_.begin() + kHeaderLength;
    const auto rest = wire_.begin() + static_cast<std::ptrdiff_t>(name_end());
    const auto same_but_for_case = [](std::uint8_t a, std::uint8_t b) {
        return zones::to_lower(a) == zones::to_lower(b);
    };
    return size_ == other.size_ &&
           std::equal(wire_.begin() + 2, wire_.begin() + 4, other.wire_.begin() + 2) &&
           std::equal(name, rest, other.wire_.begin() + kHeaderLength, same_but_for_case) &&
           std::equal(rest, end, other.wire_.begin() + (rest - wire_.begin()));
}

std::uint64_t UpstreamQuery::fingerprint(const zones::HashKey& key) const {
    std::array<char, sizeof wire_> folded{};
    folded[0] = static_cast<char>(wire_[2]);
    folded[1] = static_cast<char>(wire_[3]);
    std::size_t size = 2;
    for (std::size_t at = kHeaderLength; at < size_; ++at) {
        const auto octet = at < name_end() ? zones::to_lower(wire_[at]) : wire_[at];
        folded[size++] = static_cast<char>(octet);
    }
    return zones::keyed_hash(key, {folded.data(), size});
}

void UpstreamQuery::append(std::span<const std::uint8_t> octets) {
    std::copy(octets.begin(), octets.end(), wire_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += octets.size();
}

void UpstreamQuery::append16(std::uint16_t value) {
    append(
        std::array{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)});
}

}  // namespace resolver
