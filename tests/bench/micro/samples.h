// What several micro-benchmarks work on: a large cluster, made once, and queries to go round.
// One thread, that of the benchmarks.
#pragma once

#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/large_cluster.h"
#include "tests/bench/questions.h"
#include "zones/cluster_store.h"

namespace bench {

inline zones::ClusterOptions cluster_options() {
    zones::ClusterOptions options;
    for (const char* zone : {"cluster.local", "in-addr.arpa", "ip6.arpa"}) {
        options.zones.push_back(zones::Name::parse(zone).value());
    }
    options.pods = zones::PodMode::Insecure;
    return options;
}

/// With all of large_cluster(), synced.
inline zones::ClusterStore& large_store() {
    static zones::ClusterStore store(cluster_options(), {1, 2});
    static const bool filled = [] {
        store.apply(large_cluster(), 1'800'000'000);
        store.set_synced();
        return true;
    }();
    static_cast<void>(filled);
    return store;
}

inline std::vector<Octets> queries_of(std::string_view kind_name) {
    for (Kind& kind : kinds_of_question()) {
        if (kind.name == kind_name) {
            return std::move(kind.queries);
        }
    }
    throw std::logic_error("no such kind of question");
}

/// Goes round them without end.
template <typename T>
class Round {
  public:
    explicit Round(std::vector<T> items) : items_(std::move(items)) {}
    const T& next() {
        at_ = at_ + 1 == items_.size() ? 0 : at_ + 1;
        return items_[at_];
    }

  private:
    std::vector<T> items_;
    std::size_t at_ = 0;
};

}  // namespace bench
