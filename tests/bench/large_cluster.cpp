#include "tests/bench/large_cluster.h"

#include "tests/support/objects.h"

namespace bench {
namespace {

using k8s_client::Change;
using support::applied;

constexpr unsigned kNamespaces = 100;
constexpr unsigned kEndpoints = 3;
constexpr const char* kZone = ".svc.cluster.local.";

bool is_headless(unsigned i) {
    return i % 5 == 0;
}

std::string number(unsigned value) {
    return std::to_string(value);
}

std::string namespace_of(unsigned i) {
    return "ns-" + number(i % kNamespaces);
}

std::string service_label(unsigned i) {
    return "svc-" + number(i);
}

std::string cluster_ip(unsigned i) {
    return "10.96." + number(i / 250) + "." + number(i % 250 + 1);
}

std::string endpoint_ip(unsigned i, unsigned endpoint) {
    const unsigned host = i * kHeadlessEndpoints + endpoint;
    return "10." + number(128 + host / 62'500) + "." + number(host / 250 % 250) + "." +
           number(host % 250 + 1);
}

k8s_client::EndpointSlice slice_of(unsigned i) {
    std::vector<k8s_client::Endpoint> endpoints;
    const unsigned count = is_headless(i) ? kHeadlessEndpoints : kEndpoints;
    for (unsigned endpoint = 0; endpoint < count; ++endpoint) {
        const std::string pod = service_label(i) + "-" + number(endpoint);
        endpoints.push_back(
            support::make_endpoint(endpoint_ip(i, endpoint), is_headless(i) ? pod : ""));
    }
    return support::make_slice(namespace_of(i), service_label(i) + "-x", service_label(i),
                               std::move(endpoints), {{"http", "TCP", 8080}});
}

Change service_of(unsigned i) {
    if (is_headless(i)) {
        return applied(support::make_headless(namespace_of(i), service_label(i)));
    }
    return applied(support::make_service(namespace_of(i), service_label(i), {cluster_ip(i)},
                                         {{"http", "TCP", 80}}));
}

}  // namespace

std::vector<Change> large_cluster() {
    std::vector<Change> changes;
    for (unsigned i = 0; i < kNamespaces; ++i) {
        changes.push_back(applied(support::make_namespace(namespace_of(i))));
    }
    for (unsigned i = 0; i < kServices; ++i) {
        changes.push_back(service_of(i));
        changes.push_back(applied(slice_of(i)));
    }
    for (unsigned i = 0; i < kSamples; ++i) {
        std::string target = external_name(i);
        target.pop_back();
        changes.push_back(
            applied(support::make_external(namespace_of(i), "ext-" + number(i), target)));
    }
    return changes;
}

Change moved_endpoint(unsigned i, unsigned to) {
    k8s_client::EndpointSlice slice = slice_of(i);
    slice.subset.endpoints.back().addresses = {"10.250." + number(to / 250 % 250) + "." +
                                               number(to % 250 + 1)};
    return applied(std::move(slice));
}

std::string service_name(unsigned i) {
    return service_label(i) + "." + namespace_of(i) + kZone;
}

std::string alias_name(unsigned i) {
    return "ext-" + number(i) + "." + namespace_of(i) + kZone;
}

std::string external_name(unsigned i) {
    return "www-" + number(i) + ".example.org.";
}

std::string reverse_name(unsigned i) {
    return number(i % 250 + 1) + "." + number(i / 250) + ".96.10.in-addr.arpa.";
}

std::string pod_name(unsigned i) {
    return "10-128-0-" + number(i % 250 + 1) + "." + namespace_of(i) + ".pod.cluster.local.";
}

}  // namespace bench
