#include "k8s_client/api_access.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace k8s_client;

namespace {

/// `tls|plain HOST PORT PATH`, or the error.
std::string access_text(const std::string& url) {
    try {
        const ApiAccess access = access_to(url);
        return (access.tls ? "tls " : "plain ") + access.host + ' ' + std::to_string(access.port) +
               ' ' + access.path;
    } catch (const AccessError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("api access: URLs") {
    CHECK(access_text("https://10.96.0.1") == "tls 10.96.0.1 443 ");
    CHECK(access_text("https://10.96.0.1:6443/") == "tls 10.96.0.1 6443 ");
    CHECK(access_text("http://localhost") == "plain localhost 80 ");
    CHECK(access_text("http://localhost:8080") == "plain localhost 8080 ");
    CHECK(access_text("https://[fd00::1]") == "tls fd00::1 443 ");
    CHECK(access_text("https://[fd00::1]:6443") == "tls fd00::1 6443 ");
    CHECK(access_text("https://rancher.example.org/k8s/clusters/c-1//") ==
          "tls rancher.example.org 443 /k8s/clusters/c-1");
}

TEST_CASE("api access: what is no URL of an API server") {
    struct Case {
        const char* url;
        const char* why;
    };
    const Case cases[] = {
        {"", "it does not start with https:// or http://"},
        {"10.96.0.1:443", "it does not start with https:// or http://"},
        {"ftp://a", "it does not start with https:// or http://"},
        {"https://", "the host is neither an address nor a name"},
        {"https:///path", "the host is neither an address nor a name"},
        {"https://a b", "it has a blank or a control character"},
        {"https://a/\r\nX:y", "it has a blank or a control character"},
        {"https://a/p?q=1", "it has a query or a fragment"},
        {"https://a#f", "it has a query or a fragment"},
        {"https://fd00::1", "an IPv6 address stands in brackets"},
        {"https://[fd00::1", "no IPv6 address between brackets"},
        {"https://[10.0.0.1]", "no IPv6 address between brackets"},
        {"https://[]:1", "no IPv6 address between brackets"},
        {"https://[fd00::1]443", "only a port may follow the address"},
        {"https://a..b", "the host is neither an address nor a name"},
        {"https://a:", "the port is not a number from 1 to 65535"},
        {"https://a:0", "the port is not a number from 1 to 65535"},
        {"https://a:65536", "the port is not a number from 1 to 65535"},
        {"https://a:443x", "the port is not a number from 1 to 65535"},
        {"https://[::1]:", "the port is not a number from 1 to 65535"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.url);
        std::string shown = c.url;
        std::ranges::replace_if(
            shown, [](char octet) { return octet < ' '; }, '?');
        CHECK(access_text(c.url) == "not the URL of an API server: '" + shown + "': " + c.why +
                                        "; it has the form https://HOST[:PORT][/PATH]");
    }
    // The URL is not shown.
    CHECK(access_text("https://admin:password@10.0.0.1") ==
          "the URL of the API server holds a user name: give a token or a certificate");
}

TEST_CASE("api access: how messages name the server") {
    CHECK(host_and_port(access_to("https://10.96.0.1")) == "10.96.0.1:443");
    CHECK(host_and_port(access_to("https://[fd00::1]:6443")) == "[fd00::1]:6443");
}
