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

TEST_CASE("the words about why: whole, or left out, and never instead of a record") {
    const std::string text = "no namespace \"prd\"";
    const auto told = [&](std::uint16_t code, std::size_t room) {
        Draft draft(question().opt(), question().size() + kOptSize + room);
        draft.out.set_extended_error(code, text);
        const auto reply = draft.finish();
        CHECK(draft.size <= question().size() + kOptSize + room);
        CHECK_FALSE(reply.has_flag("tc"));
        return reply.edns->extended_error;
    };
    CHECK(told(extended_error::kOther, 6 + text.size()) == "0 " + text);
    CHECK(told(extended_error::kOther, 6 + text.size() - 1) == "");
    CHECK(told(extended_error::kBlocked, 6 + text.size()) == "15 " + text);
    CHECK(told(extended_error::kBlocked, 6 + text.size() - 1) == "15");
    CHECK(told(extended_error::kBlocked, 5) == "");
    Draft none(question().opt());
    none.out.set_extended_error(extended_error::kOther);
    CHECK(none.finish().edns->option_octets == 0);

    Draft full(question().opt(), question().size() + kOptSize + 16);
    full.out.set_extended_error(extended_error::kOther, text);
    const JoinedName owner{{}, full.out.question_name()};
    CHECK(full.out.add_address(owner, Section::Answer, 5, Ipv4{{10, 0, 0, 1}}));
    const auto reply = full.finish();
    CHECK(reply.answer.size() == 1);
    CHECK(reply.edns->option_octets == 0);
}
