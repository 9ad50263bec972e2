// The writer's side of a cluster zone: takes changes of objects, makes snapshots.
// Knows which objects make up which Service, and rebuilds only those that a change touches; knows
// nothing of threads, of clocks (the caller gives the time) or of who reads the snapshots. One
// thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/objects.h"
#include "zones/cluster_options.h"
#include "zones/keyed_table.h"
#include "zones/record_builder.h"
#include "zones/snapshot.h"

namespace zones {

class ClusterStore {
  public:
    ClusterStore(ClusterOptions options, HashKey key);

    /// Makes `changes` part of the next snapshot, all of them at once. `now`: seconds since 1970,
    /// for the SOA serial.
    void apply(std::span<const k8s_client::Change> changes, std::uint32_t now);
    void set_synced();

    /// The cluster as of the last apply().
    std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }

    /// Calls `visit("namespace/name", address)` for each pod; there are none but with `pods
    /// verified`.
    template <typename Visit>
    void for_each_pod(Visit visit) const {
        for (const auto& [name, address] : pod_ips_) {
            visit(name, address);
        }
    }

  private:
    struct ServiceState {
        std::unique_ptr<PackedService> service;  // null while there are only endpoints
        std::map<std::string, PackedSubset, std::less<>> slices;  // by EndpointSlice name
        std::vector<PackedSubset> subsets;  // of the Endpoints object; used without any slice
        bool unused() const { return !service && slices.empty() && subsets.empty(); }
    };

    void apply_one(const k8s_client::Change& change);
    void take(const k8s_client::Namespace& object, bool deleted);
    void take(const k8s_client::Service& object, bool deleted);
    void take(const k8s_client::EndpointSlice& object, bool deleted);
    void take(const k8s_client::Endpoints& object, bool deleted);
    void take(const k8s_client::Pod& object, bool deleted);
    void put_slice(const k8s_client::EndpointSlice& object);
    void drop_slice(const std::string& slice_key);

    void change_pod(const k8s_client::ObjectMeta& meta, const std::string& ip, bool add);

    bool in_namespaces_option(std::string_view ns) const;
    void rebuild(const std::string& key);
    bool visible(std::string_view ns, const ServiceRecords& records) const;
    void publish_namespaces();
    void index_addresses(const ServiceRecords* before, const ServiceRecords* after);
    void flush_index();

    ClusterOptions options_;
    HashKey key_;
    KeyedTable<ServiceState> services_;              // by wire labels <service><ns>
    KeyedTable<std::string> slice_owner_;            // "ns/slice" -> key of services_
    KeyedTable<std::string> pod_ips_;                // "ns/pod" -> address text
    KeyedTable<unsigned> pods_at_;                   // "ns/address" -> how many pods
    std::set<std::string, std::less<>> namespaces_;  // that have an object
    std::set<std::string> dirty_;                    // keys of services_ to rebuild
    bool namespaces_changed_ = false;
    bool relevant_ = false;  // bumps the serial
    std::vector<AddressIndex<Ipv4>::Entry> added4_, removed4_, pods_added4_, pods_removed4_;
    std::vector<AddressIndex<Ipv6>::Entry> added6_, removed6_, pods_added6_, pods_removed6_;
    std::shared_ptr<Snapshot> next_;  // while apply() runs
    std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace zones
