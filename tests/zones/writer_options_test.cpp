// What stands in the OPT record of a reply besides its own fields.
#include <doctest/doctest.h>

#include "tests/zones/draft.h"

using namespace zones;
using zones::testing::Draft;
using zones::testing::question;

TEST_CASE("who answers stands in the OPT record, and has its room kept") {
    Draft with(question().opt());
    with.out.set_server_id("ns-7");
    with.out.set_extended_error(extended_error::kBlocked);
    CHECK(with.finish().edns->option_octets == 8 + 6);
    Draft without{question()};
    without.out.set_server_id("ns-7");
    CHECK_FALSE(without.finish().edns.has_value());
    Draft none(question().opt());
    none.out.set_server_id("");
    CHECK(none.out.remaining() == Draft(question().opt()).out.remaining());
    CHECK(none.finish().edns->option_octets == 0);
    const std::size_t start = question().size();
    Draft full(question().opt(), start + kOptSize + 8 + 16);
    full.out.set_server_id("ns-7");
    const JoinedName owner{{}, full.out.question_name()};
    CHECK(full.out.add_address(owner, Section::Answer, 5, Ipv4{{10, 0, 0, 1}}));
    CHECK_FALSE(full.out.add_address(owner, Section::Answer, 5, Ipv4{{10, 0, 0, 1}}));
    CHECK(full.finish().edns->option_octets == 8);
    CHECK(full.size == start + kOptSize + 8 + 16);
    Draft small(question().opt(), start + kOptSize + 8);
    small.out.set_server_id("ns-7");
    CHECK(small.finish().edns->option_octets == 0);
}
