#include "server/log_format.h"

#include <arpa/inet.h>
#include <cstring>

#include <doctest/doctest.h>

#include "tests/server/messages.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using testing::Asked;

/// A query, the reply to it, and who asked.
struct Example {
    explicit Example(const Asked& asked) : message(testing::make_query(asked)) {
        zones::parse_query(message, query);
        client.peer.v4 = {};
        client.peer.v4.sin_family = AF_INET;
        client.peer.v4.sin_port = htons(40000);
        inet_pton(AF_INET, "192.0.2.7", &client.peer.v4.sin_addr);
        reply.resize(100);
        reply[2] =
            zones::header::kQr | zones::header::kAa | zones::header::kTc | zones::header::kRd;
        reply[3] =
            zones::header::kRa | zones::header::kZ | zones::header::kAd | zones::header::kCd | 3;
    }

    void ask_from(const char* address) {
        client.peer.v6 = {};
        client.peer.v6.sin6_family = AF_INET6;
        client.peer.v6.sin6_port = htons(1);
        inet_pton(AF_INET6, address, &client.peer.v6.sin6_addr);
    }

    template <typename Packet>
    void arrive_at(int level, int type, const Packet& packet) {
        cmsghdr head{};
        head.cmsg_level = level;
        head.cmsg_type = type;
        head.cmsg_len = CMSG_LEN(sizeof packet);
        std::memcpy(client.control, &head, sizeof head);
        std::memcpy(client.control + CMSG_LEN(0), &packet, sizeof packet);
        client.control_size = CMSG_SPACE(sizeof packet);
    }

    LoggedReply logged() const { return {query, client, listen_address, reply, duration}; }

    std::string line(std::string_view format) const {
        std::string out;
        LogFormat(format).append(logged(), out);
        return out;
    }

    testing::Octets message;
    zones::Query query;
    Client client{};
    std::string_view listen_address = "192.0.2.53";
    testing::Octets reply;
    std::chrono::nanoseconds duration = 1'037'990'251ns;
};

const Asked kLoggedQuery{.name = "Web.Example.org",
                         .type = 65,
                         .id = 4711,
                         .edns = true,
                         .udp_size = 4096,
                         .dnssec_ok = true};

}  // namespace

TEST_CASE("every field of a log format") {
    struct Case {
        std::string_view format, line;
    };
    const Case cases[] = {
        {"{type}", "HTTPS"},
        {"{class}", "IN"},
        {"{name}", "web.example.org."},
        {"{proto}", "udp"},
        {"{size}", "44"},
        {"{remote}", "192.0.2.7"},
        {"{port}", "40000"},
        {"{local}", "192.0.2.53"},
        {"{>id}", "4711"},
        {"{>opcode}", "0"},
        {"{>do}", "true"},
        {"{>bufsize}", "4096"},
        {"{rcode}", "NXDOMAIN"},
        {"{rsize}", "100"},
        {"{duration}", "1.037990251s"},
        {"{>rflags}", "qr,aa,tc,rd,ra,z,ad,cd"},
        {"{/forward/upstream}", "-"},
        {"a{type}b{rcode}c", "aHTTPSbNXDOMAINc"},
        {"{{type}}", "{HTTPS}"},
        {"{ {type} }", "{ HTTPS }"},
        {"} {type}", "} HTTPS"},
        {"{nothing} {type", "{nothing} {type"},
        {"{TYPE}{>ID}{>none}{}", "{TYPE}{>ID}{>none}{}"},
        {"", ""},
        {"{common}",
         "192.0.2.7:40000 - 4711 \"HTTPS IN web.example.org. udp 44 true 4096\" NXDOMAIN "
         "qr,aa,tc,rd,ra,z,ad,cd 100 1.037990251s"},
        {"{combined}",
         "192.0.2.7:40000 - 4711 \"HTTPS IN web.example.org. udp 44 true 4096\" NXDOMAIN "
         "qr,aa,tc,rd,ra,z,ad,cd 100 1.037990251s \"0\""},
        {"x {common}",
         "x 192.0.2.7:40000 - 4711 \"HTTPS IN web.example.org. udp 44 true 4096\" "
         "NXDOMAIN qr,aa,tc,rd,ra,z,ad,cd 100 1.037990251s"},
    };
    const Example example(kLoggedQuery);
    for (const Case& c : cases) {
        CAPTURE(c.format);
        CHECK(example.line(c.format) == c.line);
    }
}

TEST_CASE("fields over TCP, over IPv6, without EDNS, and with little of it") {
    Example example({.name = "a.test", .type = 65280, .qclass = 32});
    CHECK(example.line("{type} {class} {>do} {>bufsize}") == "TYPE65280 CLASS32 false 512");
    example.client.tcp = true;
    CHECK(example.line("{proto} {>bufsize}") == "tcp 65535");
    example.ask_from("2001:db8::7");
    example.listen_address = "2001:db8::53";
    CHECK(example.line("{remote}:{port} {local}") == "[2001:db8::7]:1 [2001:db8::53]");
    CHECK(Example({.name = "a.test", .edns = true, .udp_size = 100}).line("{>bufsize}") == "512");
    example.duration = 0ns;
    CHECK(example.line("{duration}") == "0.000000000s");
}

TEST_CASE("the local address of a wildcard socket is the one that was asked") {
    Example example(kLoggedQuery);
    example.listen_address = "0.0.0.0";
    CHECK(example.line("{local}") == "0.0.0.0");
    in_pktinfo v4{};
    inet_pton(AF_INET, "192.0.2.54", &v4.ipi_spec_dst);
    example.arrive_at(IPPROTO_IP, IP_PKTINFO, v4);
    CHECK(example.line("{local}") == "192.0.2.54");
    in6_pktinfo v6{};
    inet_pton(AF_INET6, "2001:db8::54", &v6.ipi6_addr);
    example.arrive_at(IPPROTO_IPV6, IPV6_PKTINFO, v6);
    CHECK(example.line("{local}") == "[2001:db8::54]");
}

TEST_CASE("a query as a JSON object") {
    Example example({.name = "a\\\"\\255\\\\.test", .id = 7});
    const std::string line = json_query_line(example.logged());
    CHECK(line.find("{\"time\":\"") == 0);
    CHECK(line.substr(line.find(",\"level\"")) ==
          ",\"level\":\"info\",\"msg\":\"query\",\"remote\":\"192.0.2.7\",\"port\":40000,"
          "\"local\":\"192.0.2.53\",\"id\":7,\"type\":\"A\",\"class\":\"IN\","
          "\"name\":\"a\\\\\\\"\\\\255\\\\\\\\.test.\",\"proto\":\"udp\",\"size\":27,\"do\":false,"
          "\"bufsize\":512,\"rcode\":\"NXDOMAIN\",\"rflags\":\"qr,aa,tc,rd,ra,z,ad,cd\","
          "\"rsize\":100,\"duration\":1.037990251}\n");
}

TEST_CASE("names of types, classes and rcodes") {
    CHECK(type_text(1) == "A");
    CHECK(type_text(28) == "AAAA");
    CHECK(type_text(65280) == "TYPE65280");
    CHECK(class_text(1) == "IN");
    CHECK(class_text(32) == "CLASS32");
    CHECK(rcode_text(3) == "NXDOMAIN");
    CHECK(rcode_text(23) == "RCODE23");
}

}  // namespace server
