#include "zones/reader.h"

#include <algorithm>
#include <cstring>

namespace zones {
namespace {

constexpr std::uint8_t kPointer = 0xc0;  // RFC 1035 §4.1.4: the two upper bits
constexpr int kMaxPointers = 16;         // a name has at most 127 labels; real ones need one or two

}  // namespace

NameView Reader::plain_name() {
    if (failed_) {
        return {};
    }
    const Octets left = message_.subspan(at_);
    const std::size_t end = std::min(left.size(), kMaxNameLength);
    std::size_t size = 0;
    while (size < end && left[size] != 0 && left[size] <= kMaxLabelLength) {
        size += 1U + left[size];
    }
    if (size >= end || left[size] != 0) {
        failed_ = true;
        return {};
    }
    at_ += size + 1;
    return as_text(left.first(size + 1));
}

std::size_t Reader::name(std::uint8_t (&out)[kMaxNameLength]) {
    std::size_t written = 0;
    std::size_t resume = 0;  // where the name ends in the stream, once a pointer was followed
    std::size_t run = at_;   // where the present run of labels started
    int pointers = 0;
    for (;;) {
        const std::uint8_t length = u8();
        if (failed_) {
            return 0;
        }
        if ((length & kPointer) == kPointer) {
            const std::size_t target = static_cast<std::size_t>(length & 0x3fU) << 8 | u8();
            if (failed_ || target >= run || ++pointers > kMaxPointers) {
                failed_ = true;
                return 0;
            }
            resume = resume == 0 ? at_ : resume;
            at_ = run = target;
            continue;
        }
        const auto* label = take(length);
        if (label == nullptr || length > kMaxLabelLength ||
            written + 1U + length > kMaxNameLength - (length == 0 ? 0U : 1U)) {
            failed_ = true;
            return 0;
        }
        out[written++] = length;
        std::memcpy(out + written, label, length);
        written += length;
        if (length == 0) {
            at_ = resume == 0 ? at_ : resume;
            return written;
        }
    }
}

void Reader::skip_name() {
    for (;;) {
        const std::uint8_t length = u8();
        if ((length & kPointer) == kPointer) {
            take(1);
            return;
        }
        if (failed_ || length == 0) {
            return;
        }
        if (length > kMaxLabelLength) {
            failed_ = true;
            return;
        }
        take(length);
    }
}

}  // namespace zones
