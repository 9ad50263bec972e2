#include "server/rewrites.h"

#include <random>

#include <doctest/doctest.h>

#include "server/config_error.h"
#include "tests/server/config_loading.h"
#include "tests/server/messages.h"
#include "tests/support/wire_message.h"

namespace server {
namespace {

using namespace testing;
using support::WireMessage;

constexpr const char* kGardener = R"(rewrite stop {
    name regex (^(?:[^\.]+\.)+)svc\.cluster\.local\.svc\.cluster\.local {1}svc.cluster.local
    answer name (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
    answer value (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
})";
constexpr const char* kAzureRewrite = R"(rewrite stop {
  name regex (.*)\.example\.com {1}.default.svc.cluster.local
  answer name (.*)\.default\.svc\.cluster\.local {1}.example.com
})";

std::vector<RewriteConfig> configs_of(std::string_view lines) {
    return load(". {\n" + std::string(lines) + "\n}").blocks.at(0).rewrites;
}

/// The name asked for instead of `name`; "-" if it is the same, "invalid" if there is none.
std::string rewritten(const Rewrites& rewrites, const std::string& name) {
    const Octets message = make_query({.name = name, .edns = true, .dnssec_ok = true});
    zones::Query query, changed;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    const auto result = rewrites.apply(query);
    if (result.outcome != Rewrites::Outcome::Changed) {
        CHECK(result.message.empty());
        CHECK(result.reply == nullptr);
        return result.outcome == Rewrites::Outcome::Invalid ? "invalid" : "-";
    }
    CHECK(result.reply != nullptr);
    REQUIRE(zones::parse_query(result.message, changed) == zones::Verdict::Ask);
    CHECK(result.message[0] == message[0]);
    CHECK(changed.flags2 == query.flags2);
    CHECK(changed.qtype == query.qtype);
    CHECK(changed.dnssec_ok);
    CHECK(changed.udp_size == query.udp_size);
    return zones::to_string(changed.qname);
}

std::string rewritten(std::string_view lines, const std::string& name) {
    const Rewrites rewrites(configs_of(lines));
    return rewritten(rewrites, name);
}

/// An upstream of the test: what it answers to the rewritten question `name`.
WireMessage reply_to(const std::string& name) {
    return WireMessage(0x8580).question(name, 1);
}

struct Restored {
    bool good = false;
    Reply reply;
};

Restored restore(std::string_view lines, const std::string& asked, const WireMessage& reply,
                 std::size_t limit = zones::kMaxMessageSize) {
    const Rewrites rewrites(configs_of(lines));
    const Octets message = make_query({.name = asked});
    zones::Query query;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    const auto result = rewrites.apply(query);
    REQUIRE(result.outcome == Rewrites::Outcome::Changed);
    std::vector<std::uint8_t> buffer(zones::kMaxMessageSize);
    zones::MessageWriter out(buffer);
    out.begin(query, limit);
    Restored restored;
    restored.good = write_rewritten(*result.reply, reply.octets(), out);
    if (restored.good) {
        const std::size_t size = out.finish(zones::Rcode::NoError, 0, 0);
        restored.reply = read_reply(std::span(buffer).first(size));
    }
    return restored;
}

std::string wire(std::string_view name) {
    return std::string(zones::Name::parse(name)->wire());
}

const std::string kAddress = {'\300', '\0', '\2', '\1'};

TEST_CASE("exact names") {
    const auto* line = "rewrite name a.TEST b.Test";
    CHECK(rewritten(line, "a.test.") == "b.test.");
    CHECK(rewritten(line, "A.Test.") == "b.test.");
    CHECK(rewritten(line, "x.a.test.") == "-");
    CHECK(rewritten(line, "b.test.") == "-");
    CHECK(rewritten(R"(rewrite name a\.b\034.test b.test)", R"(a\.b\".test.)") == "b.test.");
}

TEST_CASE("prefixes, suffixes and substrings") {
    // FROM and TO end in a dot, as CoreDNS has them: parts of a label do not match at its front.
    CHECK(rewritten("rewrite name prefix foo bar", "foo.x.") == "bar.x.");
    CHECK(rewritten("rewrite name prefix foo bar", "foot.x.") == "-");
    CHECK(rewritten("rewrite name suffix a.test b", "www.a.test.") == "www.b.");
    CHECK(rewritten("rewrite name suffix a.test b", "www.ca.test.") == "www.cb.");
    CHECK(rewritten("rewrite name suffix .a.test .b", "www.ca.test.") == "-");
    CHECK(rewritten("rewrite name suffix .a.test .b", "www.a.test.") == "www.b.");
    CHECK(rewritten("rewrite name suffix . .b", "www.a.") == "www.a.b.");
    const auto* line = "rewrite name substring service.us-west-1.example.org service.consul";
    CHECK(rewritten(line, "ftp.service.us-west-1.example.org.") == "ftp.service.consul.");
    CHECK(rewritten("rewrite name substring a b", "a.a.ca.x.") == "b.b.cb.x.");
}

TEST_CASE("patterns") {
    const auto* line =
        R"(rewrite name regex (.*)-(us-west-1)\.example\.org {1}.service.{2}.consul)";
    CHECK(rewritten(line, "FTP-us-west-1.example.org.") == "ftp.service.us-west-1.consul.");
    CHECK(rewritten(line, "ftp-us-west-2.example.org.") == "-");
    CHECK(rewritten(R"(rewrite name regex ^(.*)\.$ {0}x.{1})", "a.") == "a.x.a.");
    CHECK(rewritten(kGardener, "web.prod.svc.cluster.local.svc.cluster.local.") ==
          "web.prod.svc.cluster.local.");
    CHECK(rewritten(kGardener, "web.prod.svc.cluster.local.") == "-");
    CHECK(rewritten(kAzureRewrite, "web.Example.com.") == "web.default.svc.cluster.local.");
}

TEST_CASE("rules are tried in order, until one stops") {
    const auto* stop = "rewrite name a b\nrewrite name b c";
    CHECK(rewritten(stop, "a.") == "b.");
    CHECK(rewritten(stop, "b.") == "c.");
    const auto* go_on =
        "rewrite continue name a b\nrewrite continue name b c\nrewrite name suffix c d.e";
    CHECK(rewritten(go_on, "a.") == "d.e.");
    CHECK(rewritten(go_on, "x.") == "-");
}

TEST_CASE("what is no name in the end") {
    CHECK(rewritten("rewrite name regex ^a(.*) {1}", "a.b.") == "invalid");  // ".b."
    CHECK(rewritten("rewrite name suffix b .c", "a.b.") == "invalid");       // "a..c."
    const std::string label(63, 'x');
    CHECK(rewritten("rewrite name prefix a " + label + "." + label + "." + label,
                    "a." + label + ".") == "invalid");
    RewriteConfig config;
    config.match = RewriteConfig::Match::Regex;
    config.from = "(";
    CHECK_THROWS_AS(Rewrites({config}), ConfigError);
    config.match = RewriteConfig::Match::Exact;
    config.from = "a..b";
    CHECK_THROWS_AS(Rewrites({config}), ConfigError);
}

TEST_CASE("exact rules restore owners and values, and names below them") {
    const auto reply = reply_to("b.test.")
                           .record(WireMessage::kAnswer, "b.test.", 5, 60, wire("www.b.test."))
                           .record(WireMessage::kAnswer, "www.B.test.", 1, 60, kAddress)
                           .record(WireMessage::kAuthority, "cb.test.", 2, 60, wire("ns.test."))
                           .record(WireMessage::kAdditional, "ns.test.", 1, 60, kAddress);
    const auto restored = restore("rewrite name a.test b.test", "A.test.", reply);
    REQUIRE(restored.good);
    CHECK(restored.reply.question == Texts{"A.test. IN A"});
    CHECK(restored.reply.answer ==
          Texts{"A.test. 60 IN CNAME www.a.test.", "www.a.test. 60 IN A 192.0.2.1"});
    CHECK(restored.reply.authority == Texts{"cb.test. 60 IN NS ns.test."});
    CHECK(restored.reply.additional == Texts{"ns.test. 60 IN A 192.0.2.1"});
}

TEST_CASE("which names are values") {
    const auto name = wire("x.b.test.");
    const std::string soa_numbers("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 20);
    const std::string mx("\0\12", 2), srv("\0\1\0\2\0\120", 6), naptr("\0\1\0\2\1s\3SIP\1!", 12);
    auto reply = reply_to("b.test.");
    const auto add = [&](unsigned type, const std::string& rdata) {
        reply.record(WireMessage::kAnswer, "b.test.", type, 60, rdata);
    };
    for (const unsigned type : {2U, 5U, 12U, 39U, 7U}) {
        add(type, name);
    }
    add(6, name + name + soa_numbers);
    add(15, mx + name);
    add(33, srv + name);
    add(35, naptr + name);
    add(17, name + name);
    const auto restored = restore("rewrite name a.test b.test", "a.test.", reply);
    REQUIRE(restored.good);
    const std::string at = "a.test. 60 IN ";
    CHECK(restored.reply.answer ==
          Texts{at + "NS x.a.test.", at + "CNAME x.a.test.", at + "PTR x.a.test.",
                at + "DNAME x.a.test.", at + "MB x.b.test.",
                at + "SOA x.a.test. x.b.test. 1 2 3 4 5", at + "MX 10 x.a.test.",
                at + "SRV 1 2 80 x.a.test.", at + "NAPTR 1 2 \"s\" \"SIP\" \"!\" x.a.test.",
                at + "RP x.b.test. x.b.test."});
}

TEST_CASE("suffixes are swapped back, other rules map their name back") {
    const auto reply = [](const std::string& name) {
        return reply_to(name)
            .record(WireMessage::kAnswer, name, 5, 60, wire("other.b.test."))
            .record(WireMessage::kAnswer, "other.b.test.", 1, 60, kAddress);
    };
    CHECK(restore("rewrite name suffix a.test b.test answer auto", "www.a.test.",
                  reply("www.b.test."))
              .reply.answer ==
          Texts{"www.a.test. 60 IN CNAME other.a.test.", "other.a.test. 60 IN A 192.0.2.1"});
    const Texts mapped = {"www.a.test. 60 IN CNAME other.b.test.",
                          "other.b.test. 60 IN A 192.0.2.1"};
    for (const auto* line : {R"(rewrite name regex (.*)\.a\.test {1}.b.test answer auto)",
                             "rewrite name substring a.test b.test answer auto"}) {
        CHECK(restore(line, "www.a.test.", reply("www.b.test.")).reply.answer == mapped);
    }
    CHECK(restore("rewrite name prefix www x answer auto", "www.a.", reply("x.a.")).reply.answer ==
          Texts{"www.a. 60 IN CNAME other.b.test.", "other.b.test. 60 IN A 192.0.2.1"});
    // Without any of it just the question is the client's.
    const auto bare =
        restore("rewrite name suffix a.test b.test", "www.a.test.", reply("www.b.test."));
    CHECK(bare.reply.question == Texts{"www.a.test. IN A"});
    CHECK(bare.reply.answer.front() == "www.b.test. 60 IN CNAME other.b.test.");
}

TEST_CASE("answer name and answer value, as Gardener and Azure have them") {
    const auto reply =
        reply_to("ext.prod.svc.cluster.local.")
            .record(WireMessage::kAnswer, "ext.prod.svc.cluster.local.", 5, 60,
                    wire("Web.prod.svc.cluster.local."))
            .record(WireMessage::kAnswer, "Web.prod.svc.cluster.local.", 1, 60, kAddress)
            .record(WireMessage::kAuthority, "test.", 2, 60, wire("ns.test."));
    const auto restored =
        restore(kGardener, "EXT.prod.svc.cluster.local.svc.cluster.local.", reply);
    REQUIRE(restored.good);
    CHECK(restored.reply.answer ==
          Texts{"EXT.prod.svc.cluster.local.svc.cluster.local. 60 IN CNAME "
                "web.prod.svc.cluster.local.svc.cluster.local.",
                "web.prod.svc.cluster.local.svc.cluster.local. 60 IN A 192.0.2.1"});
    CHECK(restored.reply.authority == Texts{"test. 60 IN NS ns.test."});
    CHECK(restore(
              kAzureRewrite, "web.example.com.",
              reply_to("web.default.svc.cluster.local.")
                  .record(WireMessage::kAnswer, "web.default.svc.cluster.local.", 1, 60, kAddress))
              .reply.answer == Texts{"web.example.com. 60 IN A 192.0.2.1"});
}

TEST_CASE("response rules run in reverse order") {
    const auto* lines =
        "rewrite continue name suffix a.test b.test answer auto\n"
        "rewrite name suffix b.test c.test answer auto";
    const auto reply =
        reply_to("x.c.test.").record(WireMessage::kAnswer, "x.c.test.", 1, 60, kAddress);
    CHECK(restore(lines, "x.a.test.", reply).reply.answer == Texts{"x.a.test. 60 IN A 192.0.2.1"});
    // Of one rule too: what comes last is applied first.
    const auto* one = "rewrite name suffix a b answer name c a value x y answer name b c";
    CHECK(restore(one, "x.a.", reply_to("x.b.").record(WireMessage::kAnswer, "b.", 1, 60, kAddress))
              .reply.answer == Texts{"a. 60 IN A 192.0.2.1"});
}

TEST_CASE("names that cannot be restored stay") {
    const std::string label(60, 'x');
    const std::string long_name = label + "." + label + "." + label + ".b.";
    const auto reply = reply_to("b.").record(WireMessage::kAnswer, long_name, 1, 60, kAddress);
    CHECK(restore("rewrite name " + label + "." + label + " b", label + "." + label + ".", reply)
              .reply.answer == Texts{long_name + " 60 IN A 192.0.2.1"});
    CHECK(restore("rewrite name suffix a b answer name x y..z", "q.a.",
                  reply_to("q.b.").record(WireMessage::kAnswer, "x.", 1, 60, kAddress))
              .reply.answer == Texts{"x. 60 IN A 192.0.2.1"});
    // Where the new name is the root, only that is it.
    CHECK(restore("rewrite name a .", "a.",
                  reply_to(".")
                      .record(WireMessage::kAnswer, ".", 1, 60, kAddress)
                      .record(WireMessage::kAnswer, "b.", 1, 60, kAddress))
              .reply.answer == Texts{"a. 60 IN A 192.0.2.1", "b. 60 IN A 192.0.2.1"});
}

TEST_CASE("OPT is left out, and what does not fit is cut at a record") {
    auto reply = reply_to("b.").record(WireMessage::kAnswer, "b.", 1, 60, kAddress);
    reply.record(WireMessage::kAuthority, "b.", 2, 60, wire("ns.b.")).opt();
    const auto whole = restore("rewrite name a b", "a.", reply);
    CHECK(whole.reply.authority == Texts{"a. 60 IN NS ns.a."});
    CHECK_FALSE(whole.reply.edns);
    CHECK(whole.reply.flags.find("tc") == std::string::npos);
    const auto cut = restore("rewrite name a b", "a.", reply, 40);
    CHECK(cut.reply.answer.size() == 1);
    CHECK(cut.reply.authority.empty());
    CHECK(cut.reply.flags.find("tc") != std::string::npos);
}

TEST_CASE("mutated replies never break out of their octets") {
    std::mt19937 random(17);
    const Rewrites rewrites(configs_of("rewrite continue name suffix a.test b.test answer auto\n" +
                                       std::string(kGardener) +
                                       "\nrewrite name regex ^(.*)b(.*)[.]$ {1}c{2} answer name "
                                       "(.*)c(.*) {2}.{1} value (.*) {1}x"));
    const Octets message = make_query({.name = "www.a.test.", .edns = true});
    zones::Query query;
    REQUIRE(zones::parse_query(message, query) == zones::Verdict::Ask);
    const auto result = rewrites.apply(query);
    REQUIRE(result.outcome == Rewrites::Outcome::Changed);
    auto built = reply_to("www.c.test.");
    built.pointer(12).rest_of_record(WireMessage::kAnswer, 5, 60, "\3cdn\300\20");
    built.pointer(16).rest_of_record(WireMessage::kAnswer, 15, 60,
                                     std::string("\0\1\1c\300\20", 6));
    built.record(WireMessage::kAuthority, "c.test.", 2, 60, wire("ns.c.test."));
    std::vector<std::uint8_t> buffer(600);
    int good = 0, bad = 0;
    for (int round = 0; round < 20000; ++round) {
        Octets reply = built.octets();
        for (auto changes = random() % 4; changes > 0; --changes) {
            reply[2 + random() % (reply.size() - 2)] =
                random() % 3 == 0 ? std::uint8_t{0xc0} : static_cast<std::uint8_t>(random());
        }
        reply.resize(reply.size() - (random() % 8 == 0 ? random() % reply.size() : 0));
        reply.shrink_to_fit();  // so that a read past the end is seen
        zones::MessageWriter out(buffer);
        out.begin(query, 512);
        if (!write_rewritten(*result.reply, reply, out)) {
            ++bad;
            continue;
        }
        ++good;
        const std::size_t size = out.finish(zones::Rcode::NoError, 0, 0);
        REQUIRE(size <= 512);
        zones::Reader reader({buffer.data(), size}, zones::kHeaderSize);
        reader.skip_name();
        reader.octets(4);
        for (std::size_t at = 6; at < 12; at += 2) {
            for (int i = zones::read_u16(&buffer[at]); i > 0; --i) {
                std::uint8_t name[zones::kMaxNameLength];
                REQUIRE(reader.name(name) > 0);
                reader.octets(8);
                reader.octets(reader.u16());
            }
        }
        REQUIRE(reader.at_end());
    }
    CHECK(good > 2000);
    CHECK(bad > 2000);
}

}  // namespace
}  // namespace server
