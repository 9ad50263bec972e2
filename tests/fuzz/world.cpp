#include "tests/fuzz/world.h"

#include <algorithm>
#include <string>

#include "tests/support/dns_judge.h"
#include "zones/query.h"
#include "zones/reader.h"
#include "zones/writer.h"

namespace fuzz {
namespace {

using namespace server::testing;

constexpr std::string_view kCorefile = R"(
. {
    local
    any
    chaos keryx admin@example.org
    nsid here
    loadbalance
    rewrite stop name regex (.*)\.short\.test {1}.prod.svc.cluster.local answer auto
    rewrite name suffix .old.test .svc.cluster.local
    acl filtered.test {
        filter type TXT net 0.0.0.0/0
        block net 198.51.100.0/24
        drop net 203.0.113.0/24
        allow
    }
    template IN A tpl.test {
        match ^(?P<host>[a-z0-9-]+)\.tpl\.test\.$
        answer "{{ .Name }} 60 IN CNAME {{ .Group.host }}.prod.svc.cluster.local."
        fallthrough
    }
    template IN TXT echo.test {
        answer "{{ .Name }} 60 IN TXT \"{{ .Name }} {{ .Type }} {{ .Remote }}\""
    }
    hosts {
        192.0.2.44 host.test other.test
        2001:db8::44 host.test
        fallthrough
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests .
        pods insecure
        endpoint_pod_names
        fallthrough in-addr.arpa ip6.arpa
    }
    cache 30 {
        success 200
        denial 200
        serve_stale 1h immediate
        prefetch 2 1m 10%
    }
    forward . UPSTREAM
}
minimal.test {
    minimal
    header {
        response set ra
    }
    bufsize 700
    forward . UPSTREAM
}
)";

/// What the fake upstream says depends on the first letter that it was asked for.
void answer_by_name(support::FakeUpstream& upstream, const support::Received& query) {
    const std::string name = zones::to_lower(asked_name(query));
    Octets reply = support::make_reply(query.message);
    switch (name[0]) {
        case 'n':
            reply = support::make_reply(query.message, 3);
            add_soa(reply, "test.");
            break;
        case 's':
            reply = support::make_reply(query.message, 2);
            break;
        case 'c':
            add_cname(reply, name, "web.prod.svc.cluster.local.");
            break;
        case 'l':
            add_cname(reply, name, name);
            break;
        case 't':
            reply[2] |= 2;
            break;
        case 'b':
            reply = support::make_reply_of_size(query.message, 4000);
            break;
        case 'd':
            return;
        default:
            add_address(reply, zones::Section::Answer, name, 1);
    }
    upstream.send(query, reply);
}

}  // namespace

World::World() : CorefileRig(kCorefile) {
    upstream().set_script(answer_by_name);
    add_objects(*this);
}

void World::settle() {
    for (int i = 0; i < 3; ++i, ++rounds_) {
        run_once();
    }
}

void add_objects(Rig& rig) {
    using namespace support;
    auto ports = std::vector<k8s_client::ServicePort>{{"http", "TCP", 80}, {"dns", "UDP", 53}};
    std::vector<Change> changes{
        applied(make_service("prod", "web", {"10.0.0.1", "fd00::1"}, ports)),
        applied(make_headless("prod", "db")),
        applied(make_external("prod", "out", "www.example.test")),
        applied(make_external("prod", "chain", "out.prod.svc.cluster.local")),
        applied(make_external("prod", "self", "self.prod.svc.cluster.local")),
        applied(make_service("prod", "empty", {"10.0.0.9"})),
        applied(make_slice("prod", "db-4", "db",
                           {make_endpoint("10.1.0.1", "db-0"), make_endpoint("10.1.0.2", "db-1"),
                            make_endpoint("10.1.0.3", "", false)},
                           {{"pg", "TCP", 5432}})),
        applied(make_slice("prod", "db-6", "db", {make_endpoint("fd00::1:1", "db-0")},
                           {{"pg", "TCP", 5432}})),
    };
    std::vector<k8s_client::Endpoint> many;
    for (int i = 0; i < 200; ++i) {
        many.push_back(make_endpoint("10.2.0." + std::to_string(i), "h-" + std::to_string(i)));
    }
    changes.push_back(applied(make_headless("prod", "crowd")));
    changes.push_back(applied(make_slice("prod", "crowd-1", "crowd", many, {{"p", "TCP", 1}})));
    rig.apply(changes);
}

void judge_reply(const Octets& query, Input reply, bool tcp, bool opaque_rdata) {
    require(query.size() >= zones::kHeaderSize && (query[2] & 0x80) == 0, "a reply to a reply");
    require(reply.size() >= zones::kHeaderSize, "a reply without a header");
    require(reply[0] == query[0] && reply[1] == query[1], "another id");
    require((reply[2] & 0xf8) == ((query[2] & 0x78) | 0x80), "QR or another opcode");
    zones::Query read;
    const auto verdict = zones::parse_query(query, read);
    const std::size_t limit = tcp ? zones::kMaxMessageSize : zones::udp_limit(read);
    require(reply.size() <= limit, "longer than the client takes");
    require(tcp || limit <= zones::kUdpSize, "a limit that no network carries");
    if (verdict == zones::Verdict::Ask && read.has_question) {
        const auto end = static_cast<std::ptrdiff_t>(read.question_end);
        require(reply.size() >= read.question_end &&
                    std::equal(query.begin() + zones::kHeaderSize, query.begin() + end,
                               reply.begin() + zones::kHeaderSize),
                "another question");
    }
    if (!opaque_rdata) {
        const support::Judged judged = support::judge(reply);
        require(judged.fault.empty(), judged.fault);
        require(judged.edns.has_value() == read.has_edns, "OPT without one, or none to one");
    }
}

}  // namespace fuzz
