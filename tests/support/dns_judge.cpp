#include "tests/support/dns_judge.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <ldns/ldns.h>

namespace support {
namespace {

struct FreeRr {
    void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
using RrPtr = std::unique_ptr<ldns_rr, FreeRr>;

struct FreePacket {
    void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};

std::string take_text(char* text) {
    std::string result = text == nullptr ? "" : text;
    std::free(text);
    return result;
}

/// One space between fields, none at the end.
std::string tidy(std::string text) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    return text;
}

std::string question_text(const ldns_rr* rr) {
    return take_text(ldns_rdf2str(ldns_rr_owner(rr))) + ' ' +
           take_text(ldns_rr_class2str(ldns_rr_get_class(rr))) + ' ' +
           take_text(ldns_rr_type2str(ldns_rr_get_type(rr)));
}

constexpr std::array kFlags = {"qr", "", "", "", "", "aa", "tc", "rd", "ra", "z", "ad", "cd"};

void read_header(std::span<const std::uint8_t> message, Judged& judged) {
    const auto bits = static_cast<unsigned>(message[2] << 8 | message[3]);
    judged.id = static_cast<std::uint16_t>(message[0] << 8 | message[1]);
    judged.opcode = bits >> 11 & 0xfU;
    judged.rcode = bits & 0xfU;
    for (std::size_t i = 0; i < kFlags.size(); ++i) {
        if (*kFlags[i] != '\0' && (bits >> (15 - i) & 1U) != 0) {
            judged.flags.emplace_back(kFlags[i]);
        }
    }
}

void read_opt(const ldns_rr* rr, Judged& judged) {
    if (judged.edns) {
        judged.fault = "two OPT records";
    }
    const std::uint32_t ttl = ldns_rr_ttl(rr);
    judged.rcode |= ttl >> 24 << 4;
    judged.edns = Judged::Edns{static_cast<std::uint16_t>(ldns_rr_get_class(rr)),
                               static_cast<std::uint8_t>(ttl >> 16),
                               static_cast<std::uint16_t>(ttl),
                               0,
                               {}};
    for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
        judged.edns->option_octets += ldns_rdf_size(ldns_rr_rdf(rr, i));
    }
}

/// The options of our OPT record, which stands last (RFC 6891 §6.1.2, RFC 8914 §2). An error's text
/// is printable ASCII, and short; what is "other" has one.
void read_options(std::span<const std::uint8_t> options, Judged& judged) {
    constexpr unsigned kExtendedError = 15;
    constexpr std::size_t kLongestText = 240;
    const auto u16 = [&](std::size_t at) { return options[at] << 8 | options[at + 1]; };
    for (std::size_t at = 0; at + 4 <= options.size();) {
        const auto size = static_cast<std::size_t>(u16(at + 2));
        if (u16(at) == kExtendedError && size >= 2 && at + 4 + size <= options.size()) {
            const std::string text(options.begin() + static_cast<std::ptrdiff_t>(at + 6),
                                   options.begin() + static_cast<std::ptrdiff_t>(at + 4 + size));
            const bool readable =
                std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
            if (!judged.edns->extended_error.empty() || !readable || text.size() > kLongestText ||
                (text.empty() && u16(at + 4) == 0)) {
                judged.fault = "two extended errors, or not for people to read: " + text;
            }
            judged.edns->extended_error = std::to_string(u16(at + 4));
            judged.edns->extended_error += (text.empty() ? "" : " ") + text;
        }
        at += 4 + size;
    }
}

/// Every record that the counts promise, one after the other.
void read_records(std::span<const std::uint8_t> message, Judged& judged) {
    const std::array<Texts*, 4> sections = {&judged.question, &judged.answer, &judged.authority,
                                            &judged.additional};
    std::size_t at = 12;
    for (std::size_t s = 0; s < sections.size(); ++s) {
        const int count = message[4 + 2 * s] << 8 | message[5 + 2 * s];
        for (int i = 0; i < count; ++i) {
            ldns_rr* rr = nullptr;
            const auto status = ldns_wire2rr(&rr, message.data(), message.size(), &at,
                                             static_cast<ldns_pkt_section>(s));
            if (status != LDNS_STATUS_OK) {
                judged.fault = std::string("section ") + std::to_string(s) + " record " +
                               std::to_string(i) + ": " + ldns_get_errorstr_by_id(status);
                return;
            }
            const RrPtr owned(rr);
            if (s == 0) {
                sections[s]->push_back(question_text(rr));
            } else if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT) {
                read_opt(rr, judged);
            } else {
                sections[s]->push_back(tidy(take_text(ldns_rr2str(rr))));
            }
        }
    }
    if (at != message.size()) {
        judged.fault = std::to_string(message.size() - at) + " octets trail";
    }
}

}  // namespace

bool Judged::has_flag(const std::string& flag) const {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

std::string Judged::rcode_name() const {
    return rcode == 16 ? "BADVERS"
                       : take_text(ldns_pkt_rcode2str(static_cast<ldns_pkt_rcode>(rcode)));
}

Judged judge(std::span<const std::uint8_t> message) {
    Judged judged;
    if (message.size() < 12) {
        judged.fault = "shorter than a header";
        return judged;
    }
    read_header(message, judged);
    read_records(message, judged);
    if (judged.edns && judged.fault.empty() && judged.edns->option_octets <= message.size()) {
        read_options(message.last(judged.edns->option_octets), judged);
    }
    ldns_pkt* packet = nullptr;
    const auto status = ldns_wire2pkt(&packet, message.data(), message.size());
    const std::unique_ptr<ldns_pkt, FreePacket> owned(packet);
    if (status != LDNS_STATUS_OK && judged.fault.empty()) {
        judged.fault = ldns_get_errorstr_by_id(status);
    }
    return judged;
}

std::string canonical_record(const std::string& text) {
    ldns_rr* rr = nullptr;
    if (ldns_rr_new_frm_str(&rr, text.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK) {
        return {};
    }
    const RrPtr owned(rr);
    return tidy(take_text(ldns_rr2str(rr)));
}

Texts sorted(Texts texts) {
    std::sort(texts.begin(), texts.end());
    return texts;
}

}  // namespace support
