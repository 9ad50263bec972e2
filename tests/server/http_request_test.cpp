#include "server/http_request.h"

#include <memory>
#include <random>
#include <string>

#include <doctest/doctest.h>

using server::HttpRequest;
using server::read_request;

namespace {

/// "GET /path keep 35", "408" for a refusal, "..." for what is not complete.
std::string request_text(std::string_view octets) {
    // In memory that ends where the octets end: a sanitizer sees one read too many.
    const auto copy = std::make_unique<char[]>(octets.size());
    octets.copy(copy.get(), octets.size());
    const auto read = read_request({copy.get(), octets.size()});
    if (!read) {
        return std::to_string(read.error());
    }
    if (!*read) {
        return "...";
    }
    const HttpRequest& request = **read;
    const std::string method = request.method == HttpRequest::Method::Get    ? "GET "
                               : request.method == HttpRequest::Method::Head ? "HEAD "
                                                                             : "other ";
    return method + std::string(request.path) + (request.keep_alive ? " keep " : " close ") +
           std::to_string(request.size);
}

std::string with(std::string_view field) {
    return request_text("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(field) + "\r\n\r\n");
}

constexpr std::string_view kProbe =
    "GET /health HTTP/1.1\r\nHost: 10.244.0.2:8080\r\nUser-Agent: kube-probe/1.35\r\n"
    "Accept: */*\r\nConnection: close\r\n\r\n";

TEST_CASE("requests as clients send them") {
    CHECK(request_text(kProbe) == "GET /health close 108");
    CHECK(request_text("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") == "GET /metrics keep 34");
    CHECK(request_text("HEAD / HTTP/1.1\nHost: x\n\n") == "HEAD / keep 25");
    CHECK(request_text("GET / HTTP/1.0\r\n\r\n") == "GET / close 18");
    CHECK(request_text("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") == "GET / keep 42");
    CHECK(request_text("POST /health HTTP/1.1\r\nHost: x\r\n\r\n") == "other /health keep 34");
    CHECK(request_text("\r\n\n\r\nGET / HTTP/1.0\r\n\r\nGET") == "GET / close 23");
    CHECK(request_text("GET /ready?x=/y HTTP/1.0\r\n\r\n") == "GET /ready close 28");
    CHECK(request_text("GET http://a:1/ready?z HTTP/1.0\r\n\r\n") == "GET /ready close 35");
    CHECK(request_text("GET HTTP://a?z HTTP/1.0\r\n\r\n") == "GET / close 27");
    CHECK(request_text("OPTIONS * HTTP/1.0\r\n\r\n") == "other  close 22");
}

TEST_CASE("every part of a request is incomplete") {
    for (std::size_t size = 0; size < kProbe.size(); ++size) {
        CAPTURE(size);
        CHECK(request_text(kProbe.substr(0, size)) == "...");
    }
}

TEST_CASE("malformed request lines") {
    for (const std::string_view line :
         {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET / http/1.1",
          "GET / HTTP/1.10", "GET / HTTP/11", "GET /\x01 HTTP/1.1", "G@T / HTTP/1.1",
          "GET /a\tb HTTP/1.1", "GET / HTTP/1.x", "/ HTTP/1.1", "GET HTTP/1.1", "\x16\x03\x01"}) {
        CAPTURE(line);
        CHECK(request_text(std::string(line) + "\r\nHost: x\r\n\r\n") == "400");
    }
    CHECK(request_text("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == "505");
    CHECK(request_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "505");
}

TEST_CASE("fields") {
    CHECK(with("X: a\tb \xff").starts_with("GET / keep"));
    CHECK(with("X:").starts_with("GET / keep"));
    CHECK(with("connection: foo ,  CLOSE").starts_with("GET / close"));
    CHECK(with("Content-Length: 0").starts_with("GET / keep"));
    for (const std::string_view field :
         {"X : a", ": a", "X", " folded", "\tfolded", "X\r: a", "X: a\rb", "X: a\x7f", "X: \x01",
          "H\xc3\xa4: a", "Host: y", "Content-Length: 1", "Content-Length: 0, 0",
          "Content-Length: -1", "Content-Length:", "Content-Length: 00",
          "Transfer-Encoding: chunked", "transfer-encoding: identity"}) {
        CAPTURE(field);
        CHECK(with(field) == "400");
    }
    CHECK(with(std::string_view("X: a\0b", 6)) == "400");
    CHECK(request_text("GET / HTTP/1.1\r\n\r\n") == "400");  // no Host
}

/// What has been read must be within what was given, and read again the same.
void check_sound(const std::string& octets) {
    const auto read = read_request(octets);
    if (!read || !*read) {
        CHECK((read || read.error() == 400 || read.error() == 505));
        return;
    }
    const HttpRequest& request = **read;
    REQUIRE(request.size <= octets.size());
    REQUIRE(request.size > 0);
    REQUIRE((octets[request.size - 1] == '\n'));
    if (!request.path.empty() && request.path != "/") {
        REQUIRE(request.path.data() >= octets.data());
        REQUIRE(request.path.data() + request.path.size() <= octets.data() + octets.size());
    }
    CHECK(request.path.find_first_of(" \r\n?") == request.path.npos);
    CHECK(request_text(octets) == request_text(std::string_view(octets).substr(0, request.size)));
}

TEST_CASE("mutated requests: nothing outside is read, nothing ambiguous is taken") {
    std::mt19937 random(20260823);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    constexpr std::string_view kMarks("\r\n :/?\0\tHTTP/1.10,close", 23);
    std::size_t taken = 0;
    for (int i = 0; i < 100'000; ++i) {
        std::string octets(kProbe);
        for (std::size_t n = 1 + below(4); n > 0 && !octets.empty(); --n) {
            const std::size_t at = below(octets.size());
            switch (below(4)) {
                case 0:
                    octets[at] = static_cast<char>(below(256));
                    break;
                case 1:
                    octets.insert(at, 1, kMarks[below(kMarks.size())]);
                    break;
                case 2:
                    octets.erase(at, 1 + below(8));
                    break;
                default:
                    octets.insert(at, octets.substr(below(octets.size()), below(24)));
            }
        }
        check_sound(octets);
        taken += request_text(octets).find(' ') != std::string::npos ? 1 : 0;
    }
    CHECK(taken > 10'000);  // the mutations leave enough that is well-formed
    CHECK(taken < 90'000);
}

}  // namespace
