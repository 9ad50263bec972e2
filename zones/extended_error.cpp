#include "zones/extended_error.h"

#include <algorithm>
#include <array>

namespace zones {
namespace {

/// The last octets are an OPT record with RDLENGTH 0 (RFC 6891 §6.1.2).
bool ends_without_options(Octets message) {
    constexpr std::array<std::uint8_t, 3> kRootAndType{0, 0, qtype::kOpt};
    return message.size() > kOptSize &&
           std::ranges::equal(message.last(kOptSize).first(kRootAndType.size()), kRootAndType) &&
           read_u16(&message[message.size() - 2]) == 0;
}

std::optional<ExtendedError> find_in(Octets options) {
    Reader reader(options);
    while (!reader.failed() && !reader.at_end()) {
        const std::uint16_t code = reader.u16();
        const Octets value = reader.octets(reader.u16());
        if (reader.failed() || code != kExtendedErrorOption || value.size() < 2) {
            continue;
        }
        ExtendedError error{read_u16(value.data()), as_text(value.subspan(2))};
        while (error.text.ends_with('\0')) {  // RFC 8914 §2: may be there
            error.text.remove_suffix(1);
        }
        if (error.says_something()) {
            return error;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<ExtendedError> find_extended_error(const UpstreamReply& reply) {
    const std::uint16_t additionals = reply.counts[static_cast<std::size_t>(Section::Additional)];
    if (additionals == 0 || ends_without_options(reply.message)) {
        return std::nullopt;
    }
    const unsigned before = reply.counts[0] + 0U + reply.counts[1];
    Reader reader(reply.message, reply.records_at);
    for (unsigned i = 0; i < before + additionals && !reader.failed(); ++i) {
        reader.skip_name();
        const std::uint16_t type = reader.u16();
        reader.octets(6);  // class, TTL
        const Octets rdata = reader.octets(reader.u16());
        if (i >= before && type == qtype::kOpt && !reader.failed()) {
            return find_in(rdata);
        }
    }
    return std::nullopt;
}

}  // namespace zones
