// A query and a writer for its reply, for tests of what is written.
// One thread, the test's.
#pragma once

#include <vector>

#include <doctest/doctest.h>

#include "tests/support/dns_judge.h"
#include "tests/support/wire_message.h"
#include "zones/writer.h"

namespace zones::testing {

/// A query and a writer for its reply, in a buffer full of what an earlier reply left.
class Draft {
  public:
    explicit Draft(support::WireMessage query, std::size_t limit = kMaxMessageSize,
                   std::uint8_t stale = 0xee)
        : octets_(query.octets()), buffer_(kMaxMessageSize, stale), out(buffer_) {
        verdict = parse_query(octets_, query_);
        out.begin(query_, limit);
    }

    support::Judged finish(Rcode rcode = Rcode::NoError, std::uint8_t flags2 = 0,
                           std::uint8_t flags3 = 0) {
        size = out.finish(rcode, flags2, flags3);
        const std::vector<std::uint8_t> message(
            buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
        support::Judged judged = support::judge(message);
        REQUIRE(judged.fault == "");
        return judged;
    }

  private:
    std::vector<std::uint8_t> octets_;
    Query query_;
    std::vector<std::uint8_t> buffer_;

  public:
    MessageWriter out;
    Verdict verdict;
    std::size_t size = 0;
};

inline support::WireMessage question(const char* name = "Web.Prod.") {
    return support::WireMessage(0x0110).question(name, 1);
}

}  // namespace zones::testing
