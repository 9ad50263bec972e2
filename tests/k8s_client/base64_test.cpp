#include "k8s_client/base64.h"

#include <string>

#include <doctest/doctest.h>

using namespace std::string_literals;
using k8s_client::decode_base64;

namespace {

std::string decoded(std::string_view text) {
    const auto octets = decode_base64(text);
    return octets ? std::string(octets->reveal()) : "(none)";
}

}  // namespace

TEST_CASE("base64: RFC 4648 section 10, and white space") {
    CHECK(decoded("") == "");
    CHECK(decoded("Zg==") == "f");
    CHECK(decoded("Zm8=") == "fo");
    CHECK(decoded("Zm9v") == "foo");
    CHECK(decoded("Zm9vYmFy") == "foobar");
    CHECK(decoded(" Zm9v\r\n\tYmE=\n") == "fooba");
    CHECK(decoded("+/8A") == "\xfb\xff\0"s);
}

TEST_CASE("base64: what is none") {
    for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "==Zg", "Z=g=", "Zg==Zg==",
                            "Zm9v=", "Zm9v==", "Zm9v====", "Zm-_", "Zm9v!", "\xc3\xa4=="}) {
        CAPTURE(bad);
        CHECK_FALSE(decode_base64(bad));
    }
}
