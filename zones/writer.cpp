#include "zones/writer.h"

#include <algorithm>
#include <cstring>

#include "zones/reader.h"

namespace zones {
namespace {

constexpr std::size_t kMaxPointerTarget = 0x3fff;  // RFC 1035 §4.1.4: 14 bits
constexpr std::size_t kExtendedErrorSize = kOptionHeadSize + 2;
constexpr std::size_t kFixedRecordSize = 10;  // type, class, TTL, RDLENGTH

/// A root label is shorter than a pointer to one.
bool may_point_to(const PlacedName& name) {
    return name.length > 1 && name.offset <= kMaxPointerTarget;
}

}  // namespace

std::size_t udp_limit(const Query& query, std::size_t most) {
    if (!query.has_edns) {
        return kClassicUdpSize;
    }
    return std::clamp<std::size_t>(query.udp_size, kClassicUdpSize, most);  // RFC 6891 §6.2.5
}

void MessageWriter::begin(const Query& query, std::size_t limit) {
    extended_error_ = 0;
    extended_text_ = server_id_ = {};
    has_edns_ = query.has_edns;
    dnssec_ok_ = query.dnssec_ok;
    overflow_ = truncated_ = false;
    limit_ = std::min(limit, buffer_.size()) - (has_edns_ ? kOptSize : 0);
    at_ = query.has_question ? query.question_end : kHeaderSize;
    std::memcpy(buffer_.data(), query.message.data(), at_);
    std::uint8_t* h = buffer_.data();
    h[2] = static_cast<std::uint8_t>(header::kQr | (h[2] & (header::kOpcodeMask | header::kRd)));
    h[3] &= header::kCd;
    write_u16(h + 4, query.has_question ? 1 : 0);
    question_ = {kHeaderSize,
                 static_cast<std::uint8_t>(query.has_question ? query.qname.size() : 0)};
    clear_records();
}

void MessageWriter::clear_records() {
    at_ = question_.length == 0 ? kHeaderSize : kHeaderSize + question_.length + 4U;
    std::memset(counts_, 0, sizeof counts_);
    remembered_count_ = 0;
    overflow_ = truncated_ = false;
}

void MessageWriter::keep_answers_only() {
    Reader reader({buffer_.data(), at_}, kHeaderSize + question_.length + 4U);
    for (std::uint16_t i = 0; i < count(Section::Answer); ++i) {
        reader.skip_name();
        reader.octets(kFixedRecordSize - 2);
        reader.octets(reader.u16());
    }
    at_ = reader.at();
    counts_[static_cast<std::size_t>(Section::Authority)] = 0;
    counts_[static_cast<std::size_t>(Section::Additional)] = 0;
}

void MessageWriter::set_server_id(std::string_view id) {
    const std::size_t size = kOptionHeadSize + id.size();
    if (has_edns_ && !id.empty() && size < remaining()) {
        server_id_ = id;
        limit_ -= size;
    }
}

void MessageWriter::put_u8(std::uint8_t value) {
    if (room(1)) {
        buffer_[at_++] = value;
    }
}

void MessageWriter::put_u16(std::uint16_t value) {
    if (room(2)) {
        write_u16(&buffer_[at_], value);
        at_ += 2;
    }
}

void MessageWriter::put_u32(std::uint32_t value) {
    if (room(4)) {
        write_u32(&buffer_[at_], value);
        at_ += 4;
    }
}

void MessageWriter::put_octets(std::string_view octets) {
    if (!octets.empty() && room(octets.size())) {
        std::memcpy(&buffer_[at_], octets.data(), octets.size());
        at_ += octets.size();
    }
}

void MessageWriter::put_name(const JoinedName& name) {
    put_octets(name.labels);
    if (room(name.tail.length)) {
        std::memcpy(&buffer_[at_], &buffer_[name.tail.offset], name.tail.length);
        at_ += name.tail.length;
    }
}

void MessageWriter::put_reference(const JoinedName& name) {
    if (!may_point_to(name.tail)) {
        put_name(name);
        return;
    }
    put_octets(name.labels);
    put_u16(static_cast<std::uint16_t>(0xc000U | name.tail.offset));
}

void MessageWriter::remember_question() {
    for (std::size_t at = question_.offset; buffer_[at] != 0; at += 1U + buffer_[at]) {
        if (remembered_count_ < kRemembered) {
            remembered_[remembered_count_++] = static_cast<std::uint16_t>(at);
        }
    }
}

void MessageWriter::put_compressed(NameView name) {
    if (overflow_) {
        return;  // what the record wrote before may be half a name
    }
    if (remembered_count_ == 0 && question_.length > 0) {
        remember_question();
    }
    const auto at_remembered = [&](std::uint16_t offset, NameView tail) {
        // The remembered tail may itself end in a pointer to an earlier one: compare label by
        // label.
        std::size_t at = offset;
        for (;;) {
            while ((buffer_[at] & 0xc0U) == 0xc0U) {
                at = read_u16(&buffer_[at]) & kMaxPointerTarget;
            }
            const std::size_t length = buffer_[at] + 1U;
            if (tail.size() < length || std::memcmp(&buffer_[at], tail.data(), length) != 0) {
                return false;
            }
            if (length == 1) {
                return true;
            }
            at += length;
            tail.remove_prefix(length);
        }
    };
    const std::size_t complete = remembered_count_;  // the name being written is not, yet
    while (name.size() > 1) {
        for (std::size_t i = 0; i < complete; ++i) {
            if (at_remembered(remembered_[i], name)) {
                put_u16(static_cast<std::uint16_t>(0xc000U | remembered_[i]));
                return;
            }
        }
        if (at_ <= kMaxPointerTarget && remembered_count_ < kRemembered) {
            remembered_[remembered_count_++] = static_cast<std::uint16_t>(at_);
        }
        const std::size_t length = static_cast<std::uint8_t>(name[0]) + 1U;
        put_octets(name.substr(0, length));
        if (overflow_) {
            return;
        }
        name.remove_prefix(length);
    }
    put_u8(0);
}

void MessageWriter::put_fixed(std::uint16_t type, std::uint32_t ttl, std::uint16_t rclass) {
    if (room(kFixedRecordSize)) {
        std::uint8_t* p = &buffer_[at_];
        write_u16(p, type);
        write_u16(p + 2, rclass);
        write_u32(p + 4, ttl);
        at_ += kFixedRecordSize;
    }
    rdata_start_ = at_;
}

void MessageWriter::begin_record(const JoinedName& owner, std::uint16_t type, std::uint32_t ttl) {
    record_start_ = at_;
    remembered_at_record_ = remembered_count_;
    put_reference(owner);
    put_fixed(type, ttl, kClassIn);
}

void MessageWriter::begin_relayed(NameView owner, std::uint16_t type, std::uint32_t ttl,
                                  std::uint16_t rclass) {
    record_start_ = at_;
    remembered_at_record_ = remembered_count_;
    put_compressed(owner);
    put_fixed(type, ttl, rclass);
}

bool MessageWriter::end_record(Section section) {
    if (overflow_) {
        at_ = record_start_;
        remembered_count_ = remembered_at_record_;
        overflow_ = false;
        return false;
    }
    write_u16(&buffer_[rdata_start_ - 2], at_ - rdata_start_);
    ++counts_[static_cast<std::size_t>(section)];
    return true;
}

/// With one look at the room there is, where the owner is a pointer.
bool MessageWriter::add_short(const JoinedName& owner, std::uint16_t type, std::uint32_t ttl,
                              std::span<const std::uint8_t> rdata, Section section) {
    const std::size_t size = 2 + kFixedRecordSize + rdata.size();
    if (!owner.labels.empty() || !may_point_to(owner.tail) || limit_ - at_ < size) {
        begin_record(owner, type, ttl);
        put_octets(as_text(rdata));
        return end_record(section);
    }
    std::uint8_t* p = &buffer_[at_];
    write_u16(p, 0xc000U | owner.tail.offset);
    write_u16(p + 2, type);
    write_u16(p + 4, kClassIn);
    write_u32(p + 6, ttl);
    write_u16(p + 10, rdata.size());
    std::memcpy(p + 12, rdata.data(), rdata.size());
    at_ += size;
    ++counts_[static_cast<std::size_t>(section)];
    return true;
}

bool MessageWriter::add_address(const JoinedName& owner, Section section, std::uint32_t ttl,
                                const Ipv4& a) {
    return add_short(owner, qtype::kA, ttl, a.octets, section);
}

bool MessageWriter::add_address(const JoinedName& owner, Section section, std::uint32_t ttl,
                                const Ipv6& a) {
    return add_short(owner, qtype::kAaaa, ttl, a.octets, section);
}

bool MessageWriter::replay(std::span<const std::uint8_t> records, std::uint16_t answers,
                           std::uint16_t authorities) {
    if (at_ != kHeaderSize + question_.length + 4U || remaining() < records.size()) {
        return false;
    }
    put_octets({reinterpret_cast<const char*>(records.data()), records.size()});
    counts_[static_cast<std::size_t>(Section::Answer)] = answers;
    counts_[static_cast<std::size_t>(Section::Authority)] = authorities;
    return true;
}

void MessageWriter::put_option(std::uint16_t code, std::string_view head, std::string_view text) {
    std::uint8_t* p = &buffer_[at_];
    write_u16(p, code);
    write_u16(p + 2, head.size() + text.size());
    std::copy(text.begin(), text.end(), std::copy(head.begin(), head.end(), p + kOptionHeadSize));
    at_ += kOptionHeadSize + head.size() + text.size();
}

void MessageWriter::write_opt(Rcode rcode) {
    std::uint8_t* p = &buffer_[at_];
    p[0] = 0;  // owner: the root
    write_u16(p + 1, qtype::kOpt);
    write_u16(p + 3, kUdpSize);
    p[5] = static_cast<std::uint8_t>(static_cast<unsigned>(rcode) >> 4);
    p[6] = 0;                                     // version
    write_u16(p + 7, dnssec_ok_ ? 0x8000U : 0U);  // RFC 3225 §3: DO as in the query
    const std::size_t left = limit_ - at_;
    at_ += kOptSize;
    if (!server_id_.empty()) {
        put_option(kServerIdOption, server_id_, {});
    }
    const bool fits = left >= kExtendedErrorSize + extended_text_.size();
    // "Other" says nothing without a text.
    const bool says = extended_error_ != 0 || (!extended_text_.empty() && fits);
    if (says && left >= kExtendedErrorSize) [[unlikely]] {
        const char code[] = {static_cast<char>(extended_error_ >> 8),
                             static_cast<char>(extended_error_)};
        put_option(kExtendedErrorOption, {code, sizeof code},
                   fits ? extended_text_ : std::string_view{});
    }
    write_u16(p + 9, static_cast<std::size_t>(&buffer_[0] + at_ - p) - kOptSize);
    ++counts_[static_cast<std::size_t>(Section::Additional)];
}

std::size_t MessageWriter::finish(Rcode rcode, std::uint8_t flags2, std::uint8_t flags3) {
    if (has_edns_) {
        write_opt(rcode);
    }
    std::uint8_t* h = buffer_.data();
    h[2] = static_cast<std::uint8_t>(h[2] | flags2 | (truncated_ ? header::kTc : 0));
    h[3] = static_cast<std::uint8_t>(h[3] | flags3 |
                                     (static_cast<unsigned>(rcode) & header::kRcodeMask));
    for (std::size_t i = 0; i < 3; ++i) {
        write_u16(h + 6 + 2 * i, counts_[i]);
    }
    return at_;
}

}  // namespace zones
