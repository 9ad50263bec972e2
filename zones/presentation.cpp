#include "zones/presentation.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <ldns/ldns.h>

namespace zones {
namespace {

constexpr std::string_view kTokenBlanks = " \t";
constexpr std::uint32_t kMaxTtl = 0x7fffffff;   // RFC 2181 §8
constexpr std::uint16_t kTypeWks = 11;          // ldns would ask NSS for its services
constexpr std::uint16_t kFirstMetaType = 249;   // to 255: of questions (RFC 6895 §3.1)
constexpr std::uint16_t kFirstMetaClass = 254;  // NONE and ANY
constexpr std::string_view kSpecial = "\"();";

struct Free {
    void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
    void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
    void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
    void operator()(char* text) const { LDNS_FREE(text); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

using Fault = tl::unexpected<std::string>;

std::string_view take_token(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kTokenBlanks), text.size()));
    const auto word = text.substr(0, text.find_first_of(kTokenBlanks));
    text.remove_prefix(word.size());
    return word;
}

/// Seconds, or terms such as 1h30m; nullopt if `word` is no TTL.
std::optional<std::uint32_t> parse_ttl(std::string_view word) {
    std::uint64_t total = 0;
    while (!word.empty()) {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error != std::errc()) {
            return std::nullopt;
        }
        word.remove_prefix(static_cast<std::size_t>(end - word.data()));
        std::uint64_t unit = 1;
        if (!word.empty()) {
            constexpr std::string_view kUnits = "smhdw";
            constexpr std::uint64_t kSeconds[] = {1, 60, 3600, 86400, 604800};
            const auto at =
                kUnits.find(static_cast<char>(to_lower(static_cast<std::uint8_t>(word.front()))));
            if (at == std::string_view::npos) {
                return std::nullopt;
            }
            unit = kSeconds[at];
            word.remove_prefix(1);
        }
        total += number * unit;
        if (total > kMaxTtl) {
            return std::nullopt;
        }
    }
    return static_cast<std::uint32_t>(total);
}

std::optional<Name> parse_owner(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '\\') {
            ++i;
        } else if (kSpecial.find(word[i]) != std::string_view::npos) {
            return std::nullopt;
        }
    }
    return word == "@" ? Name() : Name::parse(word);
}

/// What stands in front of the rdata: owner, then TTL and class in either order, then the type.
tl::expected<PresentedRecord, std::string> take_header(std::string_view& text,
                                                       std::uint32_t default_ttl) {
    PresentedRecord record;
    record.ttl = default_ttl;
    const auto owner = parse_owner(take_token(text));
    if (!owner) {
        return Fault("the owner is no domain name");
    }
    record.owner = *owner;
    bool has_ttl = false, has_class = false;
    for (;;) {
        const auto word = take_token(text);
        if (!has_ttl && !word.empty()) {
            if (const auto ttl = parse_ttl(word)) {
                record.ttl = *ttl;
                has_ttl = true;
                continue;
            }
        }
        if (const auto rclass = parse_class(word); !has_class && rclass) {
            record.rclass = *rclass;
            has_class = true;
            continue;
        }
        const auto type = parse_type(word);
        if (!type) {
            return Fault("no type of record follows the owner, TTL and class");
        }
        record.type = *type;
        return record;
    }
}

/// ldns takes TYPE65537 for TYPE1.
bool is_number_beyond_16_bits(std::string_view text, std::string_view prefix) {
    if (!equal_fold(text.substr(0, prefix.size()), prefix)) {
        return false;
    }
    const std::string_view digits = text.substr(prefix.size());
    unsigned number = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return fault == std::errc::result_out_of_range || (fault == std::errc() && number > 0xffff);
}

bool is_readable(std::string_view text) {
    return !text.empty() && text.size() <= kMaxRecordText &&
           std::none_of(text.begin(), text.end(), [](char c) {
               const auto octet = static_cast<std::uint8_t>(c);
               return (octet < ' ' && c != '\t' && c != '\n' && c != '\r') || octet == 0x7f;
           });
}

/// By ldns, which sees a record of the root, so that it can make nothing of the owner.
tl::expected<std::string, std::string> rdata_to_wire(const PresentedRecord& record,
                                                     std::string_view rdata) {
    const std::string type = type_to_string(record.type);
    const auto first = rdata.find_first_not_of(kTokenBlanks);
    if (!type.starts_with("TYPE") &&
        rdata.substr(std::min(first, rdata.size())).starts_with("\\#")) {
        return Fault("generic rdata is for unknown types only");  // ldns does not check its form
    }
    std::string line = ". 0 IN " + type;
    line += rdata;
    const Owned<ldns_rdf> root(ldns_dname_new_frm_str("."));
    ldns_rr* raw = nullptr;
    const ldns_status status = ldns_rr_new_frm_str(&raw, line.c_str(), 0, root.get(), nullptr);
    const Owned<ldns_rr> rr(raw);
    if (status != LDNS_STATUS_OK || rr == nullptr) {
        return Fault(ldns_get_errorstr_by_id(status));
    }
    const Owned<ldns_buffer> buffer(ldns_buffer_new(LDNS_MIN_BUFLEN));
    if (buffer == nullptr || ldns_rr_rdata2buffer_wire(buffer.get(), rr.get()) != LDNS_STATUS_OK) {
        return Fault("the rdata cannot be written");
    }
    return std::string(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                       ldns_buffer_position(buffer.get()));
}

}  // namespace

tl::expected<PresentedRecord, std::string> parse_record(std::string_view text,
                                                        std::uint32_t default_ttl) {
    if (!is_readable(text)) {
        return Fault("the text is empty, too long, or has control characters");
    }
    if (kTokenBlanks.find(text.front()) != std::string_view::npos) {
        return Fault("the owner is missing");
    }
    auto record = take_header(text, default_ttl);
    if (!record) {
        return record;
    }
    const bool meta = record->type == 0 || record->type == qtype::kOpt ||
                      (record->type >= kFirstMetaType && record->type <= qtype::kAny);
    if (meta || record->type == kTypeWks || record->rclass == 0 ||
        record->rclass >= kFirstMetaClass) {
        return Fault("no answer has records of this type or class");
    }
    auto rdata = rdata_to_wire(*record, text);
    if (!rdata) {
        return Fault(std::move(rdata.error()));
    }
    record->rdata = std::move(*rdata);
    return record;
}

std::optional<std::uint16_t> parse_type(std::string_view text) {
    if (is_number_beyond_16_bits(text, "TYPE")) {
        return std::nullopt;
    }
    const unsigned type = ldns_get_rr_type_by_name(std::string(text).c_str());
    return type == 0 || type > 0xffff ? std::nullopt
                                      : std::optional(static_cast<std::uint16_t>(type));
}

std::string type_to_string(std::uint16_t type) {
    const Owned<char> text(ldns_rr_type2str(static_cast<ldns_rr_type>(type)));
    return text == nullptr ? "" : text.get();
}

std::optional<std::uint16_t> parse_class(std::string_view text) {
    if (is_number_beyond_16_bits(text, "CLASS")) {
        return std::nullopt;
    }
    const unsigned rclass = ldns_get_rr_class_by_name(std::string(text).c_str());
    return rclass == 0 || rclass > 0xffff ? std::nullopt
                                          : std::optional(static_cast<std::uint16_t>(rclass));
}

std::string class_to_string(std::uint16_t rclass) {
    const Owned<char> text(ldns_rr_class2str(static_cast<ldns_rr_class>(rclass)));
    return text == nullptr ? "" : text.get();
}

}  // namespace zones
