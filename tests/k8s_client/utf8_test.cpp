#include "k8s_client/utf8.h"

#include <string>

#include <doctest/doctest.h>

using k8s_client::find_invalid_utf8;
using namespace std::string_literals;

TEST_CASE("well-formed UTF-8 passes") {
    for (const std::string& good :
         {""s, "ascii\0\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s,
          "\xee\x80\x80"s, "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s}) {
        CAPTURE(good);
        CHECK(find_invalid_utf8(good) == std::string::npos);
    }
}

TEST_CASE("ill-formed UTF-8 is found where it begins") {
    for (const std::string& bad :
         {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3x"s, "\xe0\x9f\xbf"s,
          "\xe2\x82"s, "\xed\xa0\x80"s, "\xf0\x8f\xbf\xbf"s, "\xf0\x9f\x98"s, "\xf0\x9f\x98x"s,
          "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s}) {
        CAPTURE(bad);
        CHECK(find_invalid_utf8("ok" + bad) == 2);
    }
}
