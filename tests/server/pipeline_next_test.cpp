// `next` and `next_on_nodata`: which forward line's reply a client gets.
#include <doctest/doctest.h>

#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

namespace server {
namespace {

using support::FakeUpstream;
using support::Received;
using testing::block;
using testing::forward;
using testing::Rig;
using testing::with_rcode;

void answer_with_text(FakeUpstream& self, const Received& query) {
    self.send(query, support::make_reply_of_size(query.message, 100));
}

/// Three lines for the root, the first and second with `next` for NXDOMAIN.
struct Chain {
    Chain(FakeUpstream::Script one, FakeUpstream::Script two)
        : first(std::move(one)), second(std::move(two)) {}

    std::string ask(const std::string& name = "example.org") {
        auto made = block({"."});
        made.forwards = {forward(".", first), forward(second_from, second), forward(".", third)};
        made.forwards[0].next = made.forwards[1].next = next;
        made.forwards[0].next_on_nodata = on_nodata;
        Rig rig({made});
        for (auto* upstream : {&first, &second, &third}) {
            rig.serve(*upstream);
        }
        const auto reply = rig.ask({.name = name, .type = 16});
        return reply.rcode + (reply.answer.empty() ? "" : " with answer");
    }

    resolver::RcodeSet next = 1U << 3;
    bool on_nodata = false;
    std::string second_from = ".";
    FakeUpstream first, second;
    FakeUpstream third{answer_with_text};
};

TEST_CASE("next: a reply with one of its rcodes is dropped, and the next line asked") {
    Chain chain(with_rcode(3), answer_with_text);
    CHECK(chain.ask() == "NOERROR with answer");
    CHECK(chain.first.received().size() == 1);
    CHECK(chain.second.received().size() == 1);
    CHECK(chain.third.received().empty());
    chain.next = 1U << 2;
    CHECK(chain.ask() == "NXDOMAIN");
}

TEST_CASE("next: from line to line, and the last one's reply counts") {
    Chain chain(with_rcode(3), with_rcode(3));
    CHECK(chain.ask() == "NOERROR with answer");
    chain.third.set_script(with_rcode(3));
    CHECK(chain.ask() == "NXDOMAIN");
    CHECK(chain.third.received().size() == 2);
}

TEST_CASE("next: lines that do not serve the name are passed over") {
    Chain chain(with_rcode(3), with_rcode(5));
    chain.second_from = "example.net";
    CHECK(chain.ask() == "NOERROR with answer");
    CHECK(chain.second.received().empty());
    CHECK(chain.ask("a.example.net") == "REFUSED");
}

TEST_CASE("next_on_nodata: NOERROR without an answer goes on, nothing else does") {
    Chain chain(with_rcode(0), answer_with_text);
    chain.next = 0;
    CHECK(chain.ask() == "NOERROR");
    chain.on_nodata = true;
    CHECK(chain.ask() == "NOERROR with answer");
    chain.first.set_script(with_rcode(3));
    CHECK(chain.ask() == "NXDOMAIN");
    CHECK(chain.second.received().size() == 1);
}

TEST_CASE("next: a line that fails hands its failure on, not over") {
    Chain chain(support::FakeUpstream::Script(), answer_with_text);
    CHECK(chain.ask() == "SERVFAIL");
    CHECK(chain.second.received().empty());
    Chain later(with_rcode(3), support::FakeUpstream::Script());
    CHECK(later.ask() == "SERVFAIL");
    CHECK(later.third.received().empty());
}

}  // namespace
}  // namespace server
