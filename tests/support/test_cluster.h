// A store and a zone over it, to change and to ask.
// Each apply() is one batch, a second later than the one before. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/cluster_answers.h"
#include "tests/support/objects.h"
#include "zones/cluster_store.h"
#include "zones/cluster_zone.h"

namespace support {

/// Names of Services, for tests that make them.
inline const std::string kWeb = "web.prod.svc.cluster.local.";
inline const std::string kDb = "db.prod.svc.cluster.local.";

/// Zones as given, pods as in kubeadm's Corefile.
inline zones::ClusterOptions options_for(const Strings& zone_names) {
    zones::ClusterOptions options;
    for (const auto& name : zone_names) {
        options.zones.push_back(*zones::Name::parse(name));
    }
    options.pods = zones::PodMode::Insecure;
    return options;
}

inline zones::ClusterOptions usual_options() {
    return options_for({"cluster.local", "in-addr.arpa", "ip6.arpa"});
}

class TestCluster {
  public:
    static constexpr zones::HashKey kKey{0x0123456789abcdefU, 0xfedcba9876543210U};

    explicit TestCluster(zones::ClusterOptions options = usual_options(), bool is_synced = true,
                         std::vector<zones::Address> listening = {})
        : store_(options, kKey), zone_(std::move(options), std::move(listening)) {
        if (is_synced) {
            store_.set_synced();
        }
    }

    TestCluster& apply(const std::vector<k8s_client::Change>& changes) {
        store_.apply(changes, ++now_);
        return *this;
    }
    template <typename... Objects>
    TestCluster& add(const Objects&... objects) {
        return apply({applied(objects)...});
    }
    template <typename... Objects>
    TestCluster& remove(const Objects&... objects) {
        return apply({deleted(objects)...});
    }

    Reply ask(const Ask& question) const {
        return support::ask(zone_, *store_.snapshot(), question);
    }
    Reply ask(const std::string& qname, const std::string& type) const {
        return ask({.qname = qname, .qtype = type_number(type)});
    }
    /// The rcode, or the sorted answer section where it is NOERROR.
    Texts answer(const std::string& qname, const std::string& type) const {
        const Judged message = ask(qname, type).message;
        return message.rcode == 0 ? sorted(message.answer) : Texts{message.rcode_name()};
    }

    zones::ClusterStore& store() { return store_; }
    const zones::ClusterZone& zone() const { return zone_; }
    std::shared_ptr<const zones::Snapshot> snapshot() const { return store_.snapshot(); }
    std::uint32_t now() const { return now_; }

  private:
    std::uint32_t now_ = 1000;
    zones::ClusterStore store_;
    zones::ClusterZone zone_;
};

}  // namespace support
