#include "k8s_client/base64.h"

#include <doctest/doctest.h>

using namespace std::string_literals;
using k8s_client::decode_base64;

TEST_CASE("base64: RFC 4648 section 10, and white space") {
    CHECK(decode_base64("") == "");
    CHECK(decode_base64("Zg==") == "f");
    CHECK(decode_base64("Zm8=") == "fo");
    CHECK(decode_base64("Zm9v") == "foo");
    CHECK(decode_base64("Zm9vYmFy") == "foobar");
    CHECK(decode_base64(" Zm9v\r\n\tYmE=\n") == "fooba");
    CHECK(decode_base64("+/8A") == "\xfb\xff\0"s);
}

TEST_CASE("base64: what is none") {
    for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "====", "=", "==Zg", "Z=g=", "Zg==Zg==",
                            "Zm9v=", "Zm9v==", "Zm9v====", "Zm-_", "Zm9v!", "\xc3\xa4=="}) {
        CAPTURE(bad);
        CHECK_FALSE(decode_base64(bad));
    }
}
