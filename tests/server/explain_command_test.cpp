#include "server/explain_command.h"

#include <array>

#include <doctest/doctest.h>

#include "server/status_client.h"

namespace server {
namespace {

template <typename... Arguments>
CommandLine explain_line(Arguments... arguments) {
    const std::array<const char*, sizeof...(arguments)> all{arguments...};
    return parse_command_line(all);
}

std::string address(const std::string& text) {
    const auto server = server_address(text);
    return server ? server->host + " " + std::to_string(server->port) : server.error();
}

}  // namespace

TEST_CASE("explain: its command line") {
    const CommandLine plain = explain_line("explain", "kubia");
    REQUIRE(plain.explain);
    CHECK(plain.explain->request.name == "kubia");
    CHECK(plain.explain->request.type.empty());
    CHECK(plain.explain->server == "127.0.0.1:8182");
    CHECK_FALSE(plain.explain->json);
    CHECK_FALSE(plain.conf_given);
    const CommandLine full =
        explain_line("explain", "kubia", "SRV", "-from", "10.0.0.8", "-namespace=prod", "-server",
                     "[::1]:1", "-o", "json", "-conf", "C");
    REQUIRE(full.explain);
    CHECK(full.explain->request.type == "SRV");
    CHECK(full.explain->request.from == "10.0.0.8");
    CHECK(full.explain->request.ns == "prod");
    CHECK(full.explain->server == "[::1]:1");
    CHECK(full.explain->json);
    CHECK(full.conf == "C");
    CHECK_FALSE(explain_line("check").explain);
    CHECK_THROWS_AS(explain_line("explain"), UsageError);
    CHECK_THROWS_AS(explain_line("explain", "a", "-o", "yaml"), UsageError);
    CHECK_THROWS_AS(explain_line("explain", "a", "A", "more"), UsageError);
    CHECK(explain_line("explain", "-help").help.find("--namespace") != std::string::npos);
    CHECK(explain_line("-help").help.find("--namespace") == std::string::npos);
}

TEST_CASE("explain: the address of a server") {
    CHECK(address("127.0.0.1:8182") == "127.0.0.1 8182");
    CHECK(address("10.0.0.1") == "10.0.0.1 8182");
    CHECK(address("::1") == "::1 8182");
    CHECK(address("[::1]") == "::1 8182");
    CHECK(address("[::1]:99") == "::1 99");
    CHECK(address(":99") == "127.0.0.1 99");
    CHECK(address("dns.example:99") == "dns.example 99");
    CHECK(address("a:0") == "-server a:0: not an address and port");
    CHECK(address("a:65536") == "-server a:65536: not an address and port");
    CHECK(address("a:") == "-server a:: not an address and port");
}

TEST_CASE("explain: what reaches a terminal") {
    CHECK(for_terminal("a\nb\x1b[1mc\x1b[0m\td\x7f", true) == "a\nb\x1b[1mc\x1b[0m?d?");
    CHECK(for_terminal("\x1b[31mred", false) == "?[31mred");
    CHECK(for_terminal("\x1b[2J\x1b]0;title\a", true) == "?[2J?]0;title?");
    CHECK(for_terminal("\x1b[", true) == "?[");
}

}  // namespace server
