// What a tenant may write into objects, as hostile as it gets, from JSON to the reply: no reply is
// malformed, no name in it is more than LDH, and no other Service's answer changes. An API server
// would refuse most of it; this does not rely on that.
#include <memory>
#include <optional>

#include <doctest/doctest.h>

#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/object_json.h"
#include "tests/server/corefile_rig.h"

using namespace server::testing;
using namespace zones::qtype;

namespace {

constexpr const char* kTenantCorefile = R"(. {
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods verified
        endpoint_pod_names
    }
})";

/// A text as JSON has it; what is not printable ASCII as it is.
std::string quoted(const std::string& text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += '\\';
        }
        if (static_cast<unsigned char>(c) < 0x20) {
            constexpr const char* kDigits = "0123456789abcdef";
            json += "\\u00";
            json += kDigits[static_cast<unsigned char>(c) >> 4U];
            json += kDigits[static_cast<unsigned char>(c) & 15U];
        } else {
            json += c;
        }
    }
    return json + '"';
}

std::string subdomain(std::size_t size) {
    std::string text;
    while (text.size() < size) {
        text += text.size() % 50 == 49 ? '.' : 'a';
    }
    text.back() = 'z';
    return text;
}

const Texts kHostileValues = {
    "",
    "a",
    "evil",
    "web",
    "a.b",
    ".",
    "..",
    ".a",
    "a.",
    "a..b",
    "-a",
    "a-",
    "-",
    "UPPER",
    "_",
    "_http",
    "_tcp",
    "a_b",
    "*",
    "*.a",
    "@",
    "a b",
    " a",
    "a\tb",
    "a\nb",
    std::string("a\0b", 3),
    "\x7f",
    "a\"b",
    "a;b",
    "a(b",
    "a\\.b",
    "a\\046b",
    "\\065",
    "b\xc3\xbc"
    "cher",
    "xn--bcher-kva",
    "\xe2\x80\xae",
    "\xc3",
    "\xed\xa0\x80",
    "%s%n",
    "../../x",
    "1",
    "0",
    "-1",
    "65536",
    "true",
    "None",
    "10-0-0-1",
    "10.0.0.1",
    "10.0.0.1.",
    "010.0.0.1",
    "10.0.0.1 ",
    "10.0.0",
    "0x0a.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "2001:db8::1",
    "2001:DB8::1",
    "1:2:3:4:5:6:7:8:9",
    "evil.prod.svc.cluster.local",
    "web.prod.svc.cluster.local",
    "dns-version.cluster.local",
    "example.org",
    "EXAMPLE.org.",
    "example.org..",
    std::string(63, 'a'),
    std::string(64, 'a'),
    std::string(64, 'a') + ".org",
    subdomain(253),
    subdomain(254),
    subdomain(255),
    std::string(256, 'a'),
    std::string(65'536, 'a'),
};

/// VALUE stands for what is hostile. What answers is called evil, in prod, with 10.9.9.9.
const Texts kObjects =
    {
        R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":VALUE}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":VALUE,"namespace":"prod"},"spec":{"clusterIP":"10.9.9.9","ports":[{"name":"http","port":80}]}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":VALUE},"spec":{"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod","uid":VALUE,"resourceVersion":VALUE},"spec":{"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod","labels":{VALUE:"x"}},"spec":{"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod","labels":{"a":VALUE}},"spec":{"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod","annotations":{VALUE:VALUE}},"spec":{"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"type":VALUE,"clusterIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"clusterIP":VALUE}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"clusterIPs":["10.9.9.9",VALUE]}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"clusterIP":"10.9.9.9","ports":[{"name":VALUE,"port":80},{"name":"http","port":81}]}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"clusterIP":"10.9.9.9","ports":[{"name":"http","protocol":VALUE,"port":80}]}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"clusterIP":"10.9.9.9","ports":[{"name":"http","port":VALUE}]}})",
        R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"type":"ExternalName","externalName":VALUE,"ports":[{"name":"http","port":80}]}})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":VALUE,"namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}],"ports":[{"name":"http","port":80}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":VALUE,"labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":VALUE}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","annotations":{"endpoints.kubernetes.io/last-change-trigger-time":VALUE},"labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":VALUE,"endpoints":[{"addresses":["10.9.9.9"]}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9",VALUE]}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv6","endpoints":[{"addresses":[VALUE]}],"ports":[{"name":"http","port":80}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"],"hostname":VALUE}],"ports":[{"name":"http","port":80}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"],"targetRef":{"kind":"Pod","name":VALUE}}],"ports":[{"name":"http","port":80}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"],"nodeName":VALUE,"zone":VALUE,"hints":{"forZones":[{"name":VALUE}]},"deprecatedTopology":{VALUE:VALUE}}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}],"ports":[{"name":VALUE,"port":80,"appProtocol":VALUE},{"name":"http","port":81}]})",
        R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":"IPv4","endpoints":[{"addresses":["10.9.9.9"]}],"ports":[{"name":"http","protocol":VALUE,"port":80}]})",
        R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":VALUE,"namespace":"prod"},"subsets":[{"addresses":[{"ip":"10.9.9.9"}],"ports":[{"name":"http","port":80}]}]})",
        R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"headless","namespace":"prod"},"subsets":[{"addresses":[{"ip":VALUE}],"ports":[{"name":"http","port":80}]}]})",
        R"({"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"headless","namespace":"prod"},"subsets":[{"addresses":[{"ip":"10.9.9.9","hostname":VALUE,"nodeName":VALUE,"targetRef":{"kind":VALUE,"name":VALUE}}],"ports":[{"name":VALUE,"port":80}]}]})",
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":VALUE,"namespace":"prod"},"spec":{"hostname":VALUE,"subdomain":VALUE},"status":{"podIP":"10.9.9.9"}})",
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"evil","namespace":VALUE},"status":{"podIP":"10.9.9.9","phase":VALUE}})",
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"evil","namespace":"prod"},"status":{"podIP":VALUE,"podIPs":[{"ip":VALUE}]}})",
};

std::string with_value(std::string object, const std::string& json) {
    for (std::size_t at = 0; (at = object.find("VALUE", at)) != std::string::npos;) {
        object.replace(at, 5, json);
        at += json.size();
    }
    return object;
}

struct OneObject : k8s_client::ObjectReceiver {
    void take(k8s_client::Object taken, std::size_t) override { object = std::move(taken); }
    void skip(const std::string& message) override { why = message; }
    void pass_over(std::string_view) override {}

    std::optional<k8s_client::Object> object;
    std::string why;
};

OneObject decoded(const std::string& json) {
    OneObject receiver;
    k8s_client::ObjectDecoder decoder(receiver);
    if (!k8s_client::read_json(json, decoder)) {
        receiver.object.reset();
    }
    return receiver;
}

/// web and db are there all the time, headless waits for endpoints.
struct TenantRig : CorefileRig {
    TenantRig() : CorefileRig(kTenantCorefile) {
        apply({namespace_object(), cluster_ip("prod", "web", "10.0.0.1"), headless("prod", "db"),
               endpoints("prod", "db", {"10.1.0.1", "10.1.0.2"}), headless("prod", "headless")});
        others = ask_others();
    }

    Texts ask_others() {
        Texts all;
        for (const auto& [qname, qtype] : {std::pair{"web.prod.svc.cluster.local", kAny},
                                           {"web.prod.svc.cluster.local", kA},
                                           {"_http._tcp.web.prod.svc.cluster.local", kSrv},
                                           {"db.prod.svc.cluster.local", kA},
                                           {"db.prod.svc.cluster.local", kSrv},
                                           {"1.0.0.10.in-addr.arpa", kPtr},
                                           {"2.0.1.10.in-addr.arpa", kPtr},
                                           {"nobody.prod.svc.cluster.local", kA}}) {
            const Reply reply = ask(Asked{.name = qname, .type = qtype});
            all.push_back(std::string(qname) + ' ' + reply.rcode);
            all.insert(all.end(), reply.answer.begin(), reply.answer.end());
        }
        return all;
    }

    /// Each reply is one that ldns takes, with nothing in it that needs an escape.
    void ask_all(const Texts& more) {
        Texts names = {"evil.prod.svc.cluster.local",
                       "*.evil.prod.svc.cluster.local",
                       "_http._tcp.evil.prod.svc.cluster.local",
                       "headless.prod.svc.cluster.local",
                       "_http._tcp.headless.prod.svc.cluster.local",
                       "10-9-9-9.headless.prod.svc.cluster.local",
                       "10-9-9-9.prod.pod.cluster.local",
                       "9.9.9.10.in-addr.arpa",
                       "prod.svc.cluster.local",
                       "svc.cluster.local",
                       "cluster.local"};
        names.insert(names.end(), more.begin(), more.end());
        for (const std::string& qname : names) {
            for (const std::uint16_t qtype : {kA, kAaaa, kSrv, kCname, kPtr, kTxt, kAny}) {
                const Octets query = make_query({.name = qname, .type = qtype, .edns = true});
                const Reply reply = read_reply(ask(query));  // throws if it is malformed
                for (const Texts* section : {&reply.answer, &reply.authority, &reply.additional}) {
                    for (const std::string& record : *section) {
                        CAPTURE(record);
                        CHECK(record.find('\\') == std::string::npos);
                    }
                }
            }
        }
    }

    Texts others;
};

/// Names that the hostile value could have made, where it can be asked for.
Texts names_of(const std::string& value) {
    const bool askable =
        !value.empty() && value.size() < 63 &&
        value.find_first_of(std::string(". \\\"\t\n@()\0", 10)) == std::string::npos;
    if (!askable) {
        return {};
    }
    return {value + ".prod.svc.cluster.local", value + ".headless.prod.svc.cluster.local",
            "_" + value + "._tcp.headless.prod.svc.cluster.local",
            "_" + value + "._tcp.evil.prod.svc.cluster.local"};
}

}  // namespace

TEST_CASE("no string of an object breaks a reply, or another Service's answers") {
    TenantRig rig;
    std::size_t taken = 0, refused = 0;
    for (const std::string& object : kObjects) {
        for (const std::string& value : kHostileValues) {
            const std::string json = with_value(object, quoted(value));
            CAPTURE(json.substr(0, 400));
            const OneObject read = decoded(json);
            if (!read.object) {
                ++refused;
                continue;
            }
            ++taken;
            // What is taken is written to the snapshot, which must be readable then.
            std::string snapshot;
            k8s_client::append_json(*read.object, snapshot);
            const OneObject again = decoded(snapshot);
            CHECK_MESSAGE(again.object.has_value(), again.why);

            const auto* service = std::get_if<k8s_client::Service>(&*read.object);
            if (service != nullptr && service->meta.ns == "prod" && service->meta.name == "web") {
                continue;  // no other Service: the same
            }
            rig.apply({support::applied(*read.object)});
            rig.ask_all(names_of(value));
            CHECK(rig.ask_others() == rig.others);
            rig.apply({support::deleted(*read.object)});
            rig.apply({namespace_object()});  // it may have been that
            CHECK(rig.ask_others() == rig.others);
        }
    }
    CHECK(taken > 500);
    CHECK(refused > 500);
}

TEST_CASE("externalName: what is answered, and what is not") {
    const std::string longest = subdomain(253);
    const struct {
        std::string value;
        std::string target;  // empty: there is no such name
    } kCases[] = {
        {"example.org", "example.org."},
        {"example.org.", "example.org."},
        {"example.org..", ""},
        {"EXAMPLE.org", "EXAMPLE.org."},
        {"_dmarc.example.org", "_dmarc.example.org."},
        {"xn--bcher-kva.example", "xn--bcher-kva.example."},
        {"b\xc3\xbc"
         "cher.example",
         ""},
        {"*.example.org", ""},
        {"example", "example."},
        {"", ""},
        {".", ""},
        {".example.org", ""},
        {"a..example.org", ""},
        {"a\\.b.example.org", ""},
        {"a\\046b.example.org", ""},
        {"a b.example.org", ""},
        {std::string("a\0b.example.org", 15), ""},
        {"a\nb.example.org", ""},
        {"10.0.0.1", ""},
        {"::1", ""},
        {std::string(63, 'a') + ".org", std::string(63, 'a') + ".org."},
        {std::string(64, 'a') + ".org", ""},
        {longest, longest + "."},
        {subdomain(254), ""},
    };
    TenantRig rig;
    for (const auto& [value, target] : kCases) {
        const auto& shown = value;  // clang 14: a lambda takes no structured binding
        CAPTURE(shown);
        const OneObject read = decoded(with_value(
            R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"evil","namespace":"prod"},"spec":{"type":"ExternalName","externalName":VALUE}})",
            quoted(value)));
        if (read.object) {
            rig.apply({support::applied(*read.object)});
        }
        const Reply reply = rig.ask("evil.prod.svc.cluster.local");
        if (target.empty()) {
            CHECK(reply.rcode == "NXDOMAIN");
            CHECK(reply.answer.empty());
        } else {
            CHECK(reply.answer == Texts{"evil.prod.svc.cluster.local. 5 IN CNAME " + target});
        }
        rig.apply({support::deleted(external_name("prod", "evil", "").object)});
    }
}

TEST_CASE("addresses: what is answered, and what is not") {
    const struct {
        std::string type, value, record;  // empty: the slice is refused
    } kCases[] = {
        {"IPv4", "10.9.9.9", "A 10.9.9.9"},
        {"IPv4", "010.9.9.9", ""},
        {"IPv4", "10.9.9", ""},
        {"IPv4", "10.9.9.9 ", ""},
        {"IPv4", "0x0a.9.9.9", ""},
        {"IPv4", "10.9.9.256", ""},
        {"IPv4", "10.9.9.9/32", ""},
        {"IPv4", "2001:db8::1", ""},
        {"IPv4", "::ffff:10.9.9.9", ""},
        {"IPv6", "10.9.9.9", ""},
        {"IPv6", "2001:db8::1", "AAAA 2001:db8::1"},
        {"IPv6", "2001:DB8:0::0001", "AAAA 2001:db8::1"},
        {"IPv6", "::ffff:10.9.9.9", "A 10.9.9.9"},
        {"IPv6", "fe80::1%eth0", ""},
        {"IPv6", "[2001:db8::1]", ""},
        {"IPv6", "1:2:3:4:5:6:7:8:9", ""},
    };
    TenantRig rig;
    for (const auto& [type, value, record] : kCases) {
        const auto& shown = value;  // clang 14: a lambda takes no structured binding
        CAPTURE(shown);
        const OneObject read = decoded(
            R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"s","namespace":"prod","labels":{"kubernetes.io/service-name":"headless"}},"addressType":")" +
            type + R"(","endpoints":[{"addresses":[)" + quoted(value) + "]}]}");
        CHECK(read.object.has_value() == !record.empty());
        if (read.object) {
            rig.apply({support::applied(*read.object)});
            const std::uint16_t qtype = record.starts_with("A ") ? kA : kAaaa;
            CHECK(rig.ask(Asked{.name = "headless.prod.svc.cluster.local", .type = qtype}).answer ==
                  Texts{"headless.prod.svc.cluster.local. 5 IN " + record});
            rig.apply({support::deleted(*read.object)});
        }
    }
}
