// Objects from an API server.
// Knows which resources make up a cluster's names, and owns a thread for each of them, and one that
// looks for what they missed. The sink's apply() is called from the reflectors' threads, two at a
// time perhaps; synced() once, from one of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "k8s_client/api_access.h"
#include "k8s_client/api_observer.h"
#include "k8s_client/label_selector.h"
#include "k8s_client/request_gate.h"
#include "k8s_client/source.h"

namespace k8s_client {

struct ApiOptions {
    ApiAccess access;
    std::string user_agent;
    LabelSelector labels;            // on all but Namespaces
    LabelSelector namespace_labels;  // on Namespaces
    bool endpoints = true;           // false: nothing of endpoints is watched
    bool pods = false;
    RequestLimits limits;
    /// How often what the server has is compared with what is known; zero: never.
    std::chrono::milliseconds resync{std::chrono::hours(1)};
};

class ApiSource {
  public:
    /// Starts the threads; the first lists are under way when it returns.
    ApiSource(ApiOptions options, ObjectSink& sink, Journal& journal,
              ApiObserver* observer = nullptr);
    /// Ends them: at once, or within the time-out of a connect under way.
    ~ApiSource();
    ApiSource(const ApiSource&) = delete;
    ApiSource& operator=(const ApiSource&) = delete;

    struct ResourceState {
        std::string resource;  // `services`
        std::uint64_t version = 0;
        std::size_t objects = 0;
        /// Since the server was last heard of it; negative: never.
        std::chrono::milliseconds age{-1};
    };
    /// Any thread may ask.
    std::vector<ResourceState> state() const;
    /// Objects whose changes a watch had lost, found by comparing; all of them repaired.
    std::uint64_t lost_changes() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace k8s_client
