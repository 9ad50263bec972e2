// Builds DNS messages octet by octet, right or wrong, as a test wants them.
// Knows the message format and nothing of our own code. A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace support {

class WireMessage {
  public:
    enum Section : std::size_t { kQuestion, kAnswer, kAuthority, kAdditional };

    explicit WireMessage(std::uint16_t flags = 0x0100, std::uint16_t id = 0x4b59) {
        u16(id).u16(flags).u16(0).u16(0).u16(0).u16(0);
    }

    WireMessage& u8(unsigned value) {
        octets_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    WireMessage& u16(unsigned value) { return u8(value >> 8).u8(value); }
    WireMessage& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
    WireMessage& raw(std::string_view octets) {
        octets_.insert(octets_.end(), octets.begin(), octets.end());
        return *this;
    }
    /// "a.b." or "."; no escapes, no checks.
    WireMessage& name(std::string_view text) { return labels(text).u8(0); }
    /// The same without the root label, for what a pointer or junk follows.
    WireMessage& labels(std::string_view text) {
        while (!text.empty() && text != ".") {
            const auto label = text.substr(0, text.find('.'));
            u8(static_cast<unsigned>(label.size())).raw(label);
            text.remove_prefix(label.size() + (label.size() < text.size() ? 1 : 0));
        }
        return *this;
    }
    WireMessage& pointer(std::size_t offset) {
        return u16(static_cast<unsigned>(0xc000U | offset));
    }

    WireMessage& question(std::string_view qname, unsigned qtype, unsigned qclass = 1) {
        return count(kQuestion).name(qname).u16(qtype).u16(qclass);
    }
    /// What follows an owner name already written.
    WireMessage& rest_of_record(Section section, unsigned type, std::uint32_t ttl,
                                std::string_view rdata, unsigned rclass = 1) {
        return count(section)
            .u16(type)
            .u16(rclass)
            .u32(ttl)
            .u16(static_cast<unsigned>(rdata.size()))
            .raw(rdata);
    }
    WireMessage& record(Section section, std::string_view owner, unsigned type, std::uint32_t ttl,
                        std::string_view rdata, unsigned rclass = 1) {
        return name(owner).rest_of_record(section, type, ttl, rdata, rclass);
    }
    WireMessage& opt(unsigned udp_size = 1232, std::uint32_t ttl = 0,
                     std::string_view options = {}) {
        return record(kAdditional, ".", 41, ttl, options, udp_size);
    }
    /// Adds one to a section's count.
    WireMessage& count(Section section) {
        const std::size_t at = 4 + 2 * section;
        return set_count(section, (unsigned{octets_[at]} << 8 | octets_[at + 1]) + 1);
    }
    WireMessage& set_count(Section section, unsigned count) {
        octets_[4 + 2 * section] = static_cast<std::uint8_t>(count >> 8);
        octets_[5 + 2 * section] = static_cast<std::uint8_t>(count);
        return *this;
    }

    std::size_t size() const { return octets_.size(); }
    const std::vector<std::uint8_t>& octets() const { return octets_; }

  private:
    std::vector<std::uint8_t> octets_;
};

}  // namespace support
