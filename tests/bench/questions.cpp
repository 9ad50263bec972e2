#include "tests/bench/questions.h"

#include <algorithm>
#include <stdexcept>

#include "tests/bench/large_cluster.h"
#include "tests/support/wire_message.h"
#include "zones/reader.h"

namespace bench {
namespace {

using support::WireMessage;
using zones::Rcode;
using namespace zones::qtype;

/// `name_of(k)` for each sample.
template <typename NameOf>
std::vector<Octets> queries(NameOf name_of, std::uint16_t qtype, bool edns = false) {
    std::vector<Octets> made;
    for (unsigned k = 0; k < kSamples; ++k) {
        WireMessage query(0x0100, static_cast<std::uint16_t>(0x1000 + k));
        query.question(name_of(k), qtype);
        if (edns) {
            query.opt();
        }
        made.push_back(query.octets());
    }
    return made;
}

std::string clustered(unsigned k) {
    return service_name(with_cluster_ip(k));
}

std::string of_statefulset(unsigned k) {
    return service_name(headless(k));
}

std::string first_pod(unsigned k) {
    return "svc-" + std::to_string(headless(k)) + "-0." + of_statefulset(k);
}

std::string with_port(unsigned k) {
    return "_http._tcp." + clustered(k);
}

/// What a resolver with ndots:5 asks first for an external name.
std::string by_search_path(unsigned k) {
    return "www-" + std::to_string(k) + ".example.org.ns-" + std::to_string(k % 100) +
           ".svc.cluster.local.";
}

std::string pointer(unsigned k) {
    return reverse_name(with_cluster_ip(k));
}

std::vector<Octets> with_trailing_octet(std::vector<Octets> made) {
    for (Octets& query : made) {
        query.push_back(0);
    }
    return made;
}

/// The same twice, to be held against each other: what counting costs.
void add_pair(std::string name, std::vector<Octets> queries, Rcode rcode, unsigned answers,
              std::vector<Kind>& kinds) {
    Kind kind{std::move(name), std::move(queries), rcode, answers};
    kind.together = true;
    kinds.push_back(kind);
    kind.name += ", top";
    kind.counted = true;
    kinds.push_back(std::move(kind));
}

}  // namespace

std::vector<Kind> kinds_of_question() {
    const auto cluster_ip = queries(clustered, kA);
    std::vector<Kind> kinds{
        {"ClusterIP A", cluster_ip, Rcode::NoError, 1},
        {"ClusterIP A, EDNS", queries(clustered, kA, true), Rcode::NoError, 1},
        {"ClusterIP A, log", cluster_ip, Rcode::NoError, 1, true},
        {"AAAA NODATA", queries(clustered, kAaaa), Rcode::NoError, 0},
        {"NXDOMAIN", queries(by_search_path, kA), Rcode::NxDomain, 0},
        {"SRV", queries(with_port, kSrv), Rcode::NoError, 1},
        {"PTR", queries(pointer, kPtr), Rcode::NoError, 1},
        {"headless of 20", queries(of_statefulset, kA), Rcode::NoError, kHeadlessEndpoints},
        {"endpoint by host name", queries(first_pod, kA), Rcode::NoError, 1},
        {"pod name", queries(pod_name, kA), Rcode::NoError, 1},
        {"ExternalName to cached", queries(alias_name, kA), Rcode::NoError, 2},
        {"cached external", queries(external_name, kA), Rcode::NoError, 1},
        {"malformed", with_trailing_octet(cluster_ip), Rcode::FormErr, 0},
    };
    add_pair("batch of ClusterIP A", cluster_ip, Rcode::NoError, 1, kinds);
    add_pair("batch of NXDOMAIN", queries(by_search_path, kA), Rcode::NxDomain, 0, kinds);
    add_pair("batch of SRV", queries(with_port, kSrv), Rcode::NoError, 1, kinds);
    add_pair("batch of cached external", queries(external_name, kA), Rcode::NoError, 1, kinds);
    add_pair("batch of malformed", with_trailing_octet(cluster_ip), Rcode::FormErr, 0, kinds);
    return kinds;
}

void prime(KubeadmServer& server, const Kind& kind) {
    constexpr std::size_t kBatch = KubeadmServer::kBatch;
    for (std::size_t at = 0; kind.together && at < kind.queries.size(); at += kBatch) {
        server.begin_batch();
        server.answer_together(
            std::span(kind.queries).subspan(at, std::min(kBatch, kind.queries.size() - at)));
        server.end_batch();
    }
}

void check_replies(KubeadmServer& server, const Kind& kind) {
    for (std::size_t i = 0; i < kind.queries.size(); ++i) {
        server.begin_batch();
        const auto reply = server.answer(kind.queries[i], 0);
        server.end_batch();
        if (reply.size() < zones::kHeaderSize ||
            static_cast<Rcode>(reply[3] & zones::header::kRcodeMask) != kind.rcode ||
            zones::read_u16(&reply[6]) != kind.answers) {
            throw std::runtime_error(kind.name + ": the reply to query " + std::to_string(i) +
                                     " is not what it should be");
        }
    }
}

}  // namespace bench
