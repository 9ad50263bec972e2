#include "server/status_head.h"

#include <doctest/doctest.h>

using server::StatusHead;
using State = server::StatusHead::State;

namespace {

constexpr std::string_view kHead = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace

TEST_CASE("status head: it is the same wherever its octets are cut") {
    const std::string sent = std::string(kHead) + "GET /next";
    for (std::size_t first = 0; first <= sent.size(); ++first) {
        for (std::size_t second = first; second <= sent.size(); ++second) {
            StatusHead head(100);
            head.add(std::string_view(sent).substr(0, first));
            head.add(std::string_view(sent).substr(first, second - first));
            CHECK(head.add(std::string_view(sent).substr(second)) == State::Complete);
            CHECK(head.octets() == kHead);
        }
    }
}

TEST_CASE("status head: with its empty line it has room, or it is too large, and stays so") {
    for (std::size_t piece = 1; piece <= kHead.size(); ++piece) {
        StatusHead fits(kHead.size());
        StatusHead too_large(kHead.size() - 1);
        State of_fitting = State::Incomplete;
        for (std::size_t at = 0; at < kHead.size(); at += piece) {
            CHECK(of_fitting == State::Incomplete);
            of_fitting = fits.add(kHead.substr(at, piece));
            too_large.add(kHead.substr(at, piece));
        }
        CHECK(of_fitting == State::Complete);
        CHECK(fits.take() == kHead);
        CHECK(too_large.add(kHead) == State::TooLarge);
        CHECK(too_large.octets().size() == kHead.size() - 1);
    }
}

TEST_CASE("status head: what is not finished is incomplete") {
    StatusHead head(100);
    CHECK(head.add("") == State::Incomplete);
    CHECK(head.add("GET / HTTP/1.1\n\n") == State::Incomplete);
    CHECK(head.add("\r\n\r") == State::Incomplete);
    CHECK(head.add("\n") == State::Complete);
}
