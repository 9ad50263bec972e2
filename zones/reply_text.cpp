#include "zones/reply_text.h"

#include <algorithm>

#include "zones/address.h"
#include "zones/presentation.h"

namespace zones {
namespace {

constexpr std::uint16_t kMx = 15;
constexpr std::uint16_t kDname = 39;

/// The name at the reader, which may be compressed, in wire form; empty if there is none.
std::string read_name(Reader& reader) {
    std::uint8_t octets[kMaxNameLength];
    const std::size_t length = reader.name(octets);
    return std::string(as_text({octets, length}));
}

/// RFC 3597 §5
std::string unknown_rdata(Octets rdata) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text = "\\# " + std::to_string(rdata.size());
    if (!rdata.empty()) {
        text += ' ';
    }
    for (const std::uint8_t octet : rdata) {
        text += kHex[octet >> 4];
        text += kHex[octet & 0xf];
    }
    return text;
}

/// A character-string in quotes (RFC 1035 §5.1).
std::string quoted(Octets octets) {
    std::string text = "\"";
    for (const std::uint8_t octet : octets) {
        if (octet == '"' || octet == '\\') {
            text += '\\';
            text += static_cast<char>(octet);
        } else if (octet < 0x20 || octet > 0x7e) {
            const std::string digits = std::to_string(octet);
            text += '\\' + std::string(3 - digits.size(), '0') + digits;
        } else {
            text += static_cast<char>(octet);
        }
    }
    return text + '"';
}

template <typename Ip>
std::string address_text(Octets rdata) {
    Ip ip;
    std::ranges::copy(rdata, ip.octets.begin());
    return to_string(ip);
}

std::string strings_text(Octets rdata) {
    Reader reader(rdata);
    std::string text;
    while (!reader.failed() && !reader.at_end()) {
        const std::uint8_t length = reader.u8();
        text += (text.empty() ? "" : " ") + quoted(reader.octets(length));
    }
    return reader.failed() ? unknown_rdata(rdata) : text;
}

std::string soa_text(Reader& reader) {
    const std::string primary = read_name(reader);
    const std::string mailbox = read_name(reader);
    std::string text = to_string(primary) + ' ' + to_string(mailbox);
    for (int i = 0; i < 5; ++i) {
        text += ' ' + std::to_string(reader.u32());
    }
    return text;
}

/// `numbers` of 16 bits, then a name that the record leads to.
std::string leading_text(Reader& reader, int numbers, RecordText& record) {
    std::string text;
    for (int i = 0; i < numbers; ++i) {
        text += std::to_string(reader.u16()) + ' ';
    }
    record.target = read_name(reader);
    return reader.failed() ? text : text + to_string(record.target);
}

/// `reader` stands at the rdata, of `rdata.size()` octets; names in it may point anywhere before.
std::string rdata_text(Reader reader, Octets rdata, RecordText& record) {
    const std::size_t end = reader.at() + rdata.size();
    std::string text;
    switch (record.type) {
        case qtype::kA:
            return rdata.size() == 4 ? address_text<Ipv4>(rdata) : unknown_rdata(rdata);
        case qtype::kAaaa:
            return rdata.size() == 16 ? address_text<Ipv6>(rdata) : unknown_rdata(rdata);
        case qtype::kTxt:
            return strings_text(rdata);
        case qtype::kSoa:
            text = soa_text(reader);
            break;
        case qtype::kNs:
        case qtype::kCname:
        case qtype::kPtr:
        case kDname:
            text = leading_text(reader, 0, record);
            break;
        case kMx:
            text = leading_text(reader, 1, record);
            break;
        case qtype::kSrv:
            text = leading_text(reader, 3, record);
            break;
        default:
            return unknown_rdata(rdata);
    }
    if (reader.failed() || reader.at() != end) {
        record.target.clear();
        return unknown_rdata(rdata);
    }
    return text;
}

std::string without_controls(Octets octets) {
    std::string text(as_text(octets));
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

void read_options(Octets rdata, ReplyText& out) {
    Reader reader(rdata);
    while (!reader.failed() && !reader.at_end()) {
        const std::uint16_t code = reader.u16();
        const Octets option = reader.octets(reader.u16());
        if (!reader.failed() && code == kExtendedErrorOption && option.size() >= 2) {
            out.extended_error = read_u16(option.data());
            out.extended_text = without_controls(option.subspan(2));
        }
    }
}

bool read_record(Reader& reader, Section section, ReplyText& out) {
    RecordText record;
    record.section = section;
    const std::string owner = read_name(reader);
    record.type = reader.u16();
    const std::uint16_t rclass = reader.u16();
    record.ttl = reader.u32();
    const std::uint16_t length = reader.u16();
    const Reader at_rdata = reader;
    const Octets rdata = reader.octets(length);
    if (reader.failed() || owner.empty()) {
        return false;
    }
    if (record.type == qtype::kOpt) {
        out.edns = true;
        out.rcode |= record.ttl >> 24 << 4;  // RFC 6891 §6.1.3
        read_options(rdata, out);
        return true;
    }
    record.owner = to_string(owner);
    record.rclass = class_to_string(rclass);
    record.type_name = type_to_string(record.type);
    record.rdata = rdata_text(at_rdata, rdata, record);
    out.records.push_back(std::move(record));
    return true;
}

}  // namespace

std::string RecordText::line() const {
    return owner + ' ' + std::to_string(ttl) + ' ' + rclass + ' ' + type_name + ' ' + rdata;
}

std::size_t ReplyText::count(Section section) const {
    return static_cast<std::size_t>(std::ranges::count(records, section, &RecordText::section));
}

std::optional<ReplyText> read_reply_text(Octets message) {
    Reader reader(message);
    ReplyText out;
    reader.u16();
    out.flags2 = reader.u8();
    out.flags3 = reader.u8();
    out.rcode = out.flags3 & header::kRcodeMask;
    const std::uint16_t questions = reader.u16();
    const std::uint16_t counts[3] = {reader.u16(), reader.u16(), reader.u16()};
    for (unsigned i = 0; i < questions && !reader.failed(); ++i) {
        reader.skip_name();
        reader.u32();
    }
    for (const Section section : {Section::Answer, Section::Authority, Section::Additional}) {
        for (unsigned i = 0; i < counts[static_cast<std::size_t>(section)]; ++i) {
            if (!read_record(reader, section, out)) {
                return std::nullopt;
            }
        }
    }
    return reader.failed() ? std::nullopt : std::optional(std::move(out));
}

std::string flags_text(std::uint8_t flags2, std::uint8_t flags3) {
    std::string text;
    const auto add = [&](bool set, const char* name) {
        if (set) {
            text += (text.empty() ? "" : " ") + std::string(name);
        }
    };
    add((flags2 & header::kQr) != 0, "qr");
    add((flags2 & header::kAa) != 0, "aa");
    add((flags2 & header::kTc) != 0, "tc");
    add((flags2 & header::kRd) != 0, "rd");
    add((flags3 & header::kRa) != 0, "ra");
    add((flags3 & header::kAd) != 0, "ad");
    add((flags3 & header::kCd) != 0, "cd");
    return text;
}

}  // namespace zones
