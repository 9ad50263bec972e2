#include "server/templates.h"

#include <doctest/doctest.h>

#include "server/config_error.h"
#include "tests/server/template_answers.h"
#include "tests/server/template_examples.h"

namespace server {
namespace {

using namespace testing;
using namespace zones::qtype;
using zones::kClassCh;

TEST_CASE("an rcode for everything") {
    const auto templates = templates_from("template ANY ANY {\nrcode NXDOMAIN\n}");
    const auto answer = ask(*templates, {.name = "x.y.", .type = kMx});
    CHECK(answer.outcome == "NXDOMAIN");
    CHECK_FALSE(answer.written);
    CHECK(ask(*templates, {.name = "."}).outcome == "NXDOMAIN");
    CHECK(ask(*templates, {.name = "x.", .qclass = kClassCh}).outcome == "NXDOMAIN");
}

TEST_CASE("templates are tried in order, and fall through to the next") {
    const auto templates = templates_from(kDynamicZone);
    const std::string soa = "dyn.test. 3600 IN SOA host.test. dyn.test. 1 60 120 86400 3600";
    const auto apex = ask(*templates, {.name = "dyn.test.", .type = kSoa});
    CHECK(apex.outcome == "NOERROR");
    CHECK(apex.reply.answer ==
          Texts{"dyn.test. 3600 IN SOA ns1.dyn.test. admin.dyn.test. 1 60 120 86400 3600"});
    CHECK(apex.reply.authority.empty());
    const auto below = ask(*templates, {.name = "x.dyn.test.", .type = kSoa});
    CHECK(below.outcome == "NOERROR");
    CHECK(below.reply.answer.empty());
    CHECK(below.reply.authority == Texts{soa});
    CHECK(ask(*templates, {.name = "dyn.test.", .type = kNs}).reply.answer ==
          Texts{"dyn.test. 900 IN NS ns1.dyn.test.", "dyn.test. 900 IN NS ns2.dyn.test."});
    CHECK(ask(*templates, {.name = "x.dyn.test.", .type = kNs}).reply.authority == Texts{soa});
    CHECK(ask(*templates, {.name = "dyn.test.", .type = kA}).outcome == "next plugin");
    CHECK(ask(*templates, {.name = "test.", .type = kSoa}).outcome == "next plugin");
    // ANY is asked of the first template for any type.
    CHECK(ask(*templates, {.name = "dyn.test.", .type = kAny}).reply.answer.size() == 1);
}

TEST_CASE("an extended error, and the class that was asked") {
    const auto templates = templates_from(kBlocked);
    const auto answer = ask(*templates, {.name = "X.Invalid."});
    CHECK(answer.outcome == "NXDOMAIN");
    CHECK(answer.extended_error == "21 Blocked according to RFC2606");
    CHECK(answer.reply.authority ==
          Texts{"invalid. 60 IN SOA ns.invalid. root.invalid. 1 60 60 60 60"});
    CHECK(ask(*templates, {.name = "invalid.", .qclass = kClassCh}).reply.authority ==
          Texts{"invalid. 60 CH SOA ns.invalid. root.invalid. 1 60 60 60 60"});
    CHECK(ask(*templates, {.name = "invalid.", .qclass = 255}).outcome ==
          "failed: a template made no record");
    CHECK(ask(*templates, {.name = "invalid.test."}).outcome == "next plugin");
}

TEST_CASE("search domains that were added to whole names") {
    const auto templates = templates_from(kSearchDomain);
    const auto answer = ask(*templates, {.name = "www.corp.test.dc1.corp.test."});
    CHECK(answer.outcome == "NXDOMAIN");
    CHECK(answer.reply.authority == Texts{"dc1.corp.test. 60 IN SOA ns.dc1.corp.test. "
                                          "root.dc1.corp.test. 1 60 60 60 60"});
    CHECK(ask(*templates, {.name = "www.dc1.corp.test."}).outcome == "next plugin");
}

TEST_CASE("addresses from names, and names from addresses") {
    const auto templates = templates_from(kAddresses);
    CHECK(ask(*templates, {.name = "a.ip-192-0-2-9.example."}).reply.answer ==
          Texts{"a.ip-192-0-2-9.example. 60 IN A 192.0.2.9"});
    CHECK(ask(*templates, {.name = "ip0a7b7cff.example."}).reply.answer ==
          Texts{"ip0a7b7cff.example. 60 IN A 10.123.124.255"});
    CHECK(ask(*templates, {.name = "9.2.0.192.in-addr.arpa.", .type = kPtr}).reply.answer ==
          Texts{"9.2.0.192.in-addr.arpa. 60 IN PTR ip-192-0-2-9.example."});
    CHECK(ask(*templates, {.name = "www.example."}).outcome == "next plugin");
    CHECK(ask(*templates, {.name = "ip-192-0-2-9.example.", .type = kAaaa}).outcome ==
          "next plugin");
    CHECK(ask(*templates, {.name = "x.2.0.192.in-addr.arpa.", .type = kPtr}).outcome ==
          "failed: no pattern matches");
    const auto bad = ask(*templates, {.name = "ip-192-0-2-999.example."});
    CHECK(bad.outcome == "failed: a template made no record");
    CHECK(bad.result.rcode == zones::Rcode::ServFail);
    CHECK_FALSE(bad.written);
}

TEST_CASE("one answer for several patterns") {
    const auto templates = templates_from(kTwoPatterns);
    CHECK(ask(*templates, {.name = "ip-10-1-2-3.dc.example."}).reply.answer ==
          Texts{"ip-10-1-2-3.dc.example. 60 IN A 10.1.2.3"});
    CHECK(ask(*templates, {.name = "192.0.2.3.ext.example."}).reply.answer ==
          Texts{"192.0.2.3.ext.example. 60 IN A 192.0.2.3"});
    CHECK(ask(*templates, {.name = "ip-11-1-2-3.dc.example."}).outcome == "next plugin");
}

TEST_CASE("all three sections") {
    const auto answer =
        ask(*templates_from(kMail), {.name = "ip-10-1-2-3.example.", .type = kMx, .edns = true});
    CHECK(answer.reply.answer == Texts{"ip-10-1-2-3.example. 60 IN MX 10 ip-10-1-2-3.example."});
    CHECK(answer.reply.authority ==
          Texts{"example. 60 IN NS ns0.example.", "example. 60 IN NS ns1.example."});
    CHECK(answer.reply.additional ==
          Texts{"ip-10-1-2-3.example. 60 IN A 10.1.2.3", "ns0.example. 60 IN A 203.0.113.8"});
}

TEST_CASE("what Azure ships") {
    const auto templates = templates_from(kAzure);
    const auto outcome = [&](const char* name) { return ask(*templates, {.name = name}).outcome; };
    CHECK(outcome("a.b.c.d.internal.cloudapp.net.") == "NXDOMAIN");
    CHECK(outcome("a.b.c.d.e.INTERNAL.cloudapp.net.") == "NXDOMAIN");
    CHECK(outcome("a.b.c.internal.cloudapp.net.") == "next plugin");
    CHECK(outcome("internal.cloudapp.net.") == "next plugin");
    CHECK(outcome("x.reddog.microsoft.com.") == "NXDOMAIN");
    CHECK(outcome("microsoft.com.") == "next plugin");
}

TEST_CASE("a CNAME leads to the next name, whatever the type but its own and ANY") {
    const auto templates = templates_from(kAlias);
    for (const std::uint16_t type : {kA, kAaaa, kMx}) {
        const auto answer = ask(*templates, {.name = "Foogle.com.", .type = type});
        CHECK(answer.outcome == "next name: google.com.");
        CHECK(answer.links == 1);
        CHECK(answer.reply.answer == Texts{"Foogle.com. 60 IN CNAME google.com."});
    }
    for (const std::uint16_t type : {zones::qtype::kCname, kAny}) {
        const auto answer = ask(*templates, {.name = "foogle.com.", .type = type});
        CHECK(answer.outcome == "NOERROR");
        CHECK(answer.reply.answer == Texts{"foogle.com. 60 IN CNAME google.com."});
    }
    CHECK(ask(*templates, {.name = "x.foogle.com."}).outcome == "failed: no pattern matches");
    const auto query = make_query({.name = "foogle.com."});
    CHECK(ask(*templates, query, zones::kMaxMessageSize, 15).links == 1);
    const auto full = ask(*templates, query, zones::kMaxMessageSize, 16);
    CHECK(full.outcome == "NOERROR");
    CHECK(full.links == 0);
}

TEST_CASE("CNAMEs that lead on within a template, or nowhere") {
    const auto outcome = [](std::string_view records) {
        const auto templates =
            templates_from("template IN A a {\nanswer " + std::string(records) + "\n}");
        return ask(*templates, {.name = "A."}).outcome;
    };
    CHECK(outcome(R"("a. CNAME b." "b. A 192.0.2.1")") == "NOERROR");
    CHECK(outcome(R"("a. CNAME b." "b. CNAME c.")") == "next name: c.");
    CHECK(outcome(R"("b. CNAME c.")") == "NOERROR");  // of another name
    CHECK(outcome(R"("a. CNAME a.")") == "NOERROR");  // a loop
    CHECK(outcome(R"("a. CNAME b." "b. CNAME A.")") == "NOERROR");
    CHECK(outcome("\"a. CNAME b.\"\nrcode NXDOMAIN") == "NXDOMAIN");
    // The other sections are left to the target's answer.
    const auto templates =
        templates_from("template IN A a {\nanswer \"a. CNAME b.\"\nauthority \"a. NS b.\"\n}");
    CHECK(ask(*templates, {.name = "a."}).reply.authority.empty());
}

TEST_CASE("where templates fall through to the next plugin") {
    const auto templates = templates_from(
        "template IN A {\nmatch ^x\nanswer \"{{ .Name }} A 192.0.2.1\"\nfallthrough b.a c\n}");
    CHECK(ask(*templates, {.name = "x.a."}).outcome == "NOERROR");
    CHECK(ask(*templates, {.name = "y.B.a."}).outcome == "next plugin");
    CHECK(ask(*templates, {.name = "c."}).outcome == "next plugin");
    CHECK(ask(*templates, {.name = "y.a."}).outcome == "failed: no pattern matches");
}

TEST_CASE("SERVFAIL comes without records, and TTLs are 3600 by default") {
    const auto templates = templates_from(
        "template IN A a {\nrcode SERVFAIL\nanswer \"a. A 192.0.2.1\"\n}\n"
        "template IN A b {\nanswer \"b. A 192.0.2.1\"\nrcode REFUSED\n}");
    const auto failed = ask(*templates, {.name = "a."});
    CHECK(failed.outcome == "failed: rcode SERVFAIL");
    CHECK_FALSE(failed.written);
    const auto refused = ask(*templates, {.name = "b."});
    CHECK(refused.outcome == "REFUSED");
    CHECK(refused.reply.answer == Texts{"b. 3600 IN A 192.0.2.1"});
}

TEST_CASE("what a text can say of the query") {
    const auto templates = templates_from(
        "template ANY ANY b.a a {\nanswer \"{{ .Name }} 0 IN TXT {{ .Zone }} {{ .Class }} "
        "{{ .Type }} {{ .Remote }} {{ .Question.Name }} {{ .Message.Id }} {{ index .Match 0 }}\"\n"
        "}");
    CHECK(ask(*templates, {.name = "X.B.a.", .type = kTxt}).reply.answer ==
          Texts{"X.B.a. 0 IN TXT \"b.a.\" \"IN\" \"TXT\" \"192.0.2.77\" \"X.B.a.\" \"4660\" "
                "\"x.b.a.\""});
    CHECK(ask(*templates, {.name = "a.", .type = 65280}).reply.answer ==
          Texts{"a. 0 IN TXT \"a.\" \"IN\" \"TYPE65280\" \"192.0.2.77\" \"a.\" \"4660\" \"a.\""});
}

TEST_CASE("records that do not fit end the message where it is") {
    const auto templates = templates_from(kMail);
    const auto query = make_query({.name = "ip-10-1-2-3.example.", .type = kMx});
    const auto at = [&](std::size_t limit) { return ask(*templates, query, limit).reply; };
    CHECK(at(60).flags.find("tc") != std::string::npos);
    CHECK(at(60).answer.empty());
    const auto authority = at(100);
    CHECK(authority.answer.size() == 1);
    CHECK(authority.authority.size() < 2);
    CHECK(authority.flags.find("tc") != std::string::npos);
    for (std::size_t limit = 100;; ++limit) {
        const auto reply = at(limit);
        CHECK(reply.size <= limit);
        if (reply.authority.size() == 2) {
            CHECK(reply.additional.empty());
            CHECK(reply.flags.find("tc") == std::string::npos);
            break;
        }
        REQUIRE(limit < 200);
    }
}

TEST_CASE("configurations that nobody checked") {
    TemplateConfig config;
    config.zones.emplace_back();
    config.patterns = {"("};
    CHECK_THROWS_AS(Templates({config}), ConfigError);
    config.patterns.clear();
    config.answers = {"x"};
    CHECK_THROWS_AS(Templates({config}), ConfigError);
}

}  // namespace
}  // namespace server
