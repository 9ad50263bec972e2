#include "tests/soak/client/reply.h"

#include <algorithm>
#include <string>
#include <vector>

namespace soak {
namespace {

constexpr unsigned kA = 1, kCname = 5, kPtr = 12, kAaaa = 28, kSrv = 33, kOpt = 41;
constexpr std::size_t kHeader = 12;

class Parser {
  public:
    explicit Parser(Octets octets) : octets_(octets) {}

    bool good() const { return good_; }
    bool at_end() const { return at_ == octets_.size(); }
    std::size_t at() const { return at_; }
    void go_to(std::size_t at) { at_ = at; }

    unsigned u8() {
        good_ = good_ && at_ < octets_.size();
        return good_ ? octets_[at_++] : 0;
    }
    unsigned u16() {
        const unsigned high = u8();
        return high << 8 | u8();
    }
    void skip(std::size_t count) {
        good_ = good_ && count <= octets_.size() - at_;
        at_ += good_ ? count : 0;
    }
    std::string octets(std::size_t count) {
        const std::size_t from = at_;
        skip(count);
        return good_ ? std::string(octets_.begin() + static_cast<std::ptrdiff_t>(from),
                                   octets_.begin() + static_cast<std::ptrdiff_t>(at_))
                     : std::string();
    }

    /// In lower case, labels followed by dots but for the last. Pointers lead backwards only.
    std::string name() {
        std::string text;
        std::size_t after = 0, limit = at_;
        for (unsigned length; (length = u8()) != 0 && good_;) {
            if (length < 0x40) {
                text += text.empty() ? "" : ".";
                for (; length > 0; --length) {
                    const unsigned c = u8();
                    text += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
                }
            } else {
                const std::size_t target = (length & 0x3fU) << 8 | u8();
                good_ = good_ && length >= 0xc0 && target < limit && target >= kHeader;
                after = after == 0 ? at_ : after;
                limit = at_ = target;
            }
            good_ = good_ && text.size() < 255;
        }
        at_ = after == 0 ? at_ : after;
        return text;
    }

  private:
    Octets octets_;
    std::size_t at_ = 0;
    bool good_ = true;
};

struct Record {
    std::string owner, value;
    unsigned type = 0;
};

Record read_record(Parser& in) {
    Record record;
    record.owner = in.name();
    record.type = in.u16();
    in.skip(6);
    const std::size_t size = in.u16(), end = in.at() + size;
    if (record.type == kCname || record.type == kPtr) {
        record.value = in.name();
    } else if (record.type == kSrv) {
        in.skip(4);
        record.value = in.octets(2);
        record.value += in.name();
    } else {
        record.value = in.octets(size);
    }
    if (in.good() && in.at() != end) {
        in.skip(SIZE_MAX);  // rdata of another length than it says
    }
    return record;
}

void put_u16(std::string& out, std::size_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
}

std::uint64_t digest_of(unsigned rcode, const std::string& qname,
                        const std::vector<Record>& answers) {
    std::vector<std::string> items;
    for (const Record& record : answers) {
        std::string item = record.owner == qname ? "\x01" : record.owner + '\0';
        put_u16(item, record.type);
        items.push_back(item + record.value);
    }
    std::sort(items.begin(), items.end(), [](const std::string& a, const std::string& b) {
        return std::lexicographical_compare(
            a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
                return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
            });
    });
    std::string all(1, static_cast<char>(rcode));
    for (const std::string& item : items) {
        put_u16(all, item.size());
        all += item;
    }
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : all) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

}  // namespace

std::optional<Reply> read_reply(Octets query, Octets reply) {
    Parser in(reply);
    const unsigned id = in.u16(), flags = in.u16(), questions = in.u16();
    const unsigned answers = in.u16(), others = in.u16(), additional = in.u16();
    const std::size_t question = kHeader;
    const bool wants_opt = query[11] != 0;
    const std::size_t opt_size = wants_opt ? 11 : 0;
    const std::size_t question_size = query.size() - question - opt_size;
    if (reply.size() < question + question_size || id != (query[0] * 256U + query[1]) ||
        questions != 1 || (flags & 0x8000U) == 0 ||
        !std::equal(query.begin() + kHeader,
                    query.begin() + kHeader + static_cast<std::ptrdiff_t>(question_size),
                    reply.begin() + kHeader)) {
        return std::nullopt;
    }
    const std::string qname = in.name();
    in.skip(4);
    std::vector<Record> found;
    bool has_opt = false;
    for (unsigned i = 0; i < answers + others + additional && in.good(); ++i) {
        Record record = read_record(in);
        has_opt = has_opt || record.type == kOpt;
        if (i < answers) {
            found.push_back(std::move(record));
        }
    }
    if (!in.good() || !in.at_end() || has_opt != wants_opt) {
        return std::nullopt;
    }
    return Reply{(flags & 0x0200U) != 0, digest_of(flags & 15U, qname, found)};
}

}  // namespace soak
