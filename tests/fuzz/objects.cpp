#include "tests/fuzz/objects.h"

#include <algorithm>

#include "k8s_client/api_names.h"
#include "k8s_client/object_json.h"
#include "k8s_client/utf8.h"
#include "tests/fuzz/target.h"
#include "tests/support/dns_judge.h"
#include "tests/support/objects.h"
#include "tests/support/wire_message.h"
#include "zones/cluster_store.h"
#include "zones/cluster_zone.h"
#include "zones/query.h"

namespace fuzz {
namespace {

using namespace k8s_client;

constexpr std::size_t kMostObjects = 200;
constexpr unsigned kAskedTypes[] = {1, 28, 33, 5, 12, 6, 255};

void judge_meta(const ObjectMeta& meta) {
    require(dns_subdomain_fault(meta.name).empty(), "a name that is none");
    require(meta.ns.empty() || dns_label_fault(meta.ns).empty(), "a namespace that is none");
}

void judge(const Service& service) {
    judge_meta(service.meta);
    for (const std::string& address : service.cluster_ips) {
        require(ip_family(address).has_value(), "a cluster IP that is none");
    }
    for (const ServicePort& port : service.ports) {
        require(port_name_fault(port.name).empty(), "a name of a port that is none");
    }
    require(service.external_name.empty() || external_name_fault(service.external_name).empty(),
            "an ExternalName that is none");
}

void judge(const EndpointSubset& subset) {
    for (const Endpoint& endpoint : subset.endpoints) {
        require(endpoint.hostname.empty() || dns_label_fault(endpoint.hostname).empty(),
                "a hostname that is no label");
        for (const std::string& address : endpoint.addresses) {
            require(ip_family(address).has_value(), "an endpoint's address that is none");
        }
    }
}

void judge(const Object& object) {
    judge_meta(meta_of(object));
    if (const auto* service = std::get_if<Service>(&object)) {
        judge(*service);
    } else if (const auto* slice = std::get_if<EndpointSlice>(&object)) {
        judge(slice->subset);
    } else if (const auto* endpoints = std::get_if<Endpoints>(&object)) {
        std::ranges::for_each(endpoints->subsets, [](const auto& subset) { judge(subset); });
    }
}

/// A cluster of which a tenant's objects must not touch `kept`.
class TenantCluster {
  public:
    TenantCluster() : store_(options(), {1, 2}), zone_(options(), {}) {
        using namespace support;
        store_.apply(std::vector<Change>{applied(make_namespace("kept")),
                                         applied(make_service("kept", "web", {"10.9.9.9"}))},
                     1);
        store_.set_synced();
    }

    void apply(const std::vector<Change>& changes) { store_.apply(changes, 2); }

    /// The answer section; the message is well-formed.
    support::Texts answer(const std::string& qname, unsigned qtype) const {
        const auto octets = support::WireMessage().question(qname, qtype).octets();
        zones::Query query;
        if (zones::parse_query(octets, query) != zones::Verdict::Ask) {
            return {};
        }
        std::vector<std::uint8_t> buffer(zones::kMaxMessageSize);
        zones::MessageWriter out(buffer);
        out.begin(query, buffer.size());
        zones::Chain chain;
        const auto result = zone_.answer({out.question_name(), &query.name}, {query.qtype}, chain,
                                         *store_.snapshot(), out);
        buffer.resize(out.finish(result.rcode, 0, 0));
        const auto judged = support::judge(buffer);
        require(judged.fault.empty(), qname + ": " + judged.fault);
        return judged.answer;
    }

  private:
    static zones::ClusterOptions options() {
        zones::ClusterOptions made;
        for (const char* zone : {"cluster.local", "in-addr.arpa", "ip6.arpa"}) {
            made.zones.push_back(zones::Name::parse(zone).value());
        }
        made.endpoint_pod_names = true;
        return made;
    }

    zones::ClusterStore store_;
    zones::ClusterZone zone_;
};

void add_subset(std::vector<std::string>& names, const std::string& base,
                const EndpointSubset& subset) {
    for (const Endpoint& endpoint : subset.endpoints) {
        names.push_back(endpoint.hostname + "." + base);
        names.push_back(endpoint.target_name + "." + base);
    }
    for (const EndpointPort& port : subset.ports) {
        names.push_back("_" + port.name + "._tcp." + base);
    }
}

std::vector<std::string> names_of(const Object& object) {
    const ObjectMeta& meta = meta_of(object);
    const std::string suffix = "." + meta.ns + ".svc.cluster.local.";
    std::vector<std::string> names{meta.name + suffix};
    if (const auto* service = std::get_if<Service>(&object)) {
        for (const ServicePort& port : service->ports) {
            names.push_back("_" + port.name + "._" + port.protocol + "." + names.front());
        }
    } else if (const auto* slice = std::get_if<EndpointSlice>(&object)) {
        names.push_back(slice->service_name + suffix);
        const std::string base = names.back();
        add_subset(names, base, slice->subset);
    } else if (const auto* endpoints = std::get_if<Endpoints>(&object)) {
        const std::string base = names.front();
        for (const EndpointSubset& subset : endpoints->subsets) {
            add_subset(names, base, subset);
        }
    }
    return names;
}

}  // namespace

void Objects::take(Object object, std::size_t document) {
    judge(object);
    told_ += "take " + std::to_string(document) + ' ';
    append_json(object, told_);
    told_ += '\n';
    changes_.push_back(support::applied(std::move(object)));
}

void Objects::skip(const std::string& message) {
    require(message.size() < 4096, "a message that is as long as what it is about");
    told_ += "skip " + message + '\n';
}

void Objects::pass_over(std::string_view kind) {
    told_ += "pass over " + std::string(kind) + '\n';
}

void Objects::deleted(const ObjectMeta& meta) {
    told_ += "deleted " + meta.ns + '/' + meta.name + '\n';
}

void Objects::ask() const {
    if (changes_.empty() || changes_.size() > kMostObjects) {
        return;
    }
    TenantCluster cluster;
    const auto before = cluster.answer("web.kept.svc.cluster.local.", 1);
    std::vector<Change> changes = changes_;
    bool touched = false;
    for (const Change& change : changes_) {
        const ObjectMeta& meta = meta_of(change.object);
        touched = touched || meta.ns == "kept" || meta.name == "kept";
        changes.push_back(support::applied(support::make_namespace(meta.ns)));
    }
    cluster.apply(changes);
    for (const Change& change : changes_) {
        for (const std::string& name : names_of(change.object)) {
            for (const unsigned type : kAskedTypes) {
                if (name.size() < 250 && name[0] != '.') {
                    cluster.answer(name, type);
                }
            }
        }
    }
    require(touched || cluster.answer("web.kept.svc.cluster.local.", 1) == before,
            "what others say has changed a Service");
    std::vector<Change> gone;
    for (const Change& change : changes_) {
        gone.push_back({Change::Type::Deleted, tombstone(change.object)});
    }
    cluster.apply(gone);
}

}  // namespace fuzz
