// Writes one reply into a buffer, record by record, within a size limit.
// Knows the message format; nothing of what is answered. Borrows the buffer; allocates nothing. A
// record that does not fit leaves the message as it was before it. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "zones/address.h"
#include "zones/message.h"
#include "zones/query.h"

namespace zones {

/// A name that stands in the message in full, without pointers: the question's, or a CNAME's
/// target.
struct PlacedName {
    std::uint16_t offset = 0;
    std::uint8_t length = 0;  // octets, root label included
};

/// A name made of labels (wire octets without root label, may be empty) in front of a placed name
/// or a suffix of one.
struct JoinedName {
    std::string_view labels;
    PlacedName tail;
};

class MessageWriter {
  public:
    explicit MessageWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

    /// Starts the reply to `query`: id, opcode, RD and CD as asked, QR, the question if it was
    /// read. `limit` bounds the message, with the OPT record that finish() writes if the query had
    /// one.
    void begin(const Query& query, std::size_t limit);

    /// The question's name, as spelled by the client.
    PlacedName question_name() const { return question_; }

    /// Starts a record; the rdata follows by put_*(), then end_record(), which returns false and
    /// takes the record back if it did not fit. Sections must come in order.
    void begin_record(const JoinedName& owner, std::uint16_t type, std::uint32_t ttl);
    /// The same with any owner, compressed as put_compressed() does.
    void begin_relayed(NameView owner, std::uint16_t type, std::uint32_t ttl, std::uint16_t rclass);
    void put_u8(std::uint8_t value);
    void put_u16(std::uint16_t value);
    void put_u32(std::uint32_t value);
    void put_octets(std::string_view octets);
    /// In full, as the rdata of types that must not be compressed (RFC 3597 §4, RFC 2782).
    void put_name(const JoinedName& name);
    /// The labels, then a pointer to the tail: for owners, and rdata that may be compressed.
    void put_reference(const JoinedName& name);
    /// With a pointer where the name's tail was written before by this function (RFC 1035 §4.1.4).
    void put_compressed(NameView name);
    bool end_record(Section section);

    bool add_address(const JoinedName& owner, Section section, std::uint32_t ttl, const Ipv4& a);
    bool add_address(const JoinedName& owner, Section section, std::uint32_t ttl, const Ipv6& a);

    /// Appends records that were written before, right after an equally long question; their
    /// pointers are right again. False, and nothing is written, if they do not fit, or if something
    /// stands behind the question.
    bool replay(std::span<const std::uint8_t> records, std::uint16_t answers,
                std::uint16_t authorities);

    /// Where the next octet goes: for a PlacedName of what put_name() writes next.
    std::size_t position() const { return at_; }

    /// Octets left for records.
    std::size_t remaining() const { return limit_ - at_; }

    /// The octets of a placed name.
    NameView placed(const PlacedName& name) const {
        return {reinterpret_cast<const char*>(&buffer_[name.offset]), name.length};
    }

    /// Goes on in another buffer, into which the first position() octets have been copied.
    void move_to(std::span<std::uint8_t> buffer) { buffer_ = buffer; }

    std::span<std::uint8_t> buffer() const { return buffer_; }

    /// Says why, to a client that sent EDNS (RFC 8914); the code is IANA's. The text, borrowed till
    /// finish(), is UTF-8, and left out if it does not fit.
    void set_extended_error(std::uint16_t code, std::string_view text = {}) {
        extended_error_ = code;
        extended_text_ = text;
    }
    /// The same as another reply says.
    void take_extended_error(const MessageWriter& other) {
        set_extended_error(other.extended_error_, other.extended_text_);
    }

    /// Who answers, for a client that asked to know (RFC 5001); to be called after begin(), before
    /// any record, so that there is room. Borrowed till finish(); left out if it would take all.
    void set_server_id(std::string_view id);

    /// Takes back everything but the question.
    void clear_records();
    /// Takes back what is behind the answer section; nothing may be written after it.
    void keep_answers_only();

    /// Sets the flags besides those of begin(), and TC if mark_truncated() was called; writes the
    /// OPT record. Returns the message's size.
    std::size_t finish(Rcode rcode, std::uint8_t flags2, std::uint8_t flags3);

    /// An answer or authority record was left out (RFC 2181 §9).
    void mark_truncated() { truncated_ = true; }
    bool truncated() const { return truncated_; }

    std::uint16_t count(Section section) const {
        return counts_[static_cast<std::size_t>(section)];
    }

  private:
    void remember_question();
    bool add_short(const JoinedName& owner, std::uint16_t type, std::uint32_t ttl,
                   std::span<const std::uint8_t> rdata, Section section);
    void put_fixed(std::uint16_t type, std::uint32_t ttl, std::uint16_t rclass);
    bool room(std::size_t octets) {
        if (limit_ - at_ < octets) {
            overflow_ = true;
        }
        return !overflow_;
    }
    void write_opt(Rcode rcode);
    void put_option(std::uint16_t code, std::string_view head, std::string_view text);

    static constexpr std::size_t kRemembered = 48;

    std::span<std::uint8_t> buffer_;
    std::size_t at_ = 0;
    std::size_t limit_ = 0;  // without the room kept for OPT
    std::size_t record_start_ = 0;
    std::size_t rdata_start_ = 0;
    PlacedName question_;
    std::uint16_t counts_[3] = {0, 0, 0};
    std::uint16_t remembered_[kRemembered];  // offsets of labels that put_compressed() wrote
    std::size_t remembered_count_ = 0;
    std::size_t remembered_at_record_ = 0;
    std::string_view server_id_;
    std::string_view extended_text_;
    std::uint16_t extended_error_ = 0;  // 0 without a text: none is set
    bool has_edns_ = false;
    bool dnssec_ok_ = false;
    bool overflow_ = false;
    bool truncated_ = false;
};

/// The limit of a reply over UDP: what the client takes, at least 512, at most `most`.
std::size_t udp_limit(const Query& query, std::size_t most = kUdpSize);

}  // namespace zones
