// Looks for what a watch has lost: compares what the API server has with what is known.
// Knows lists of metadata; repairs nothing itself: what differs is listed again by the reflector.
// One thread asks; all that is given is borrowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "k8s_client/http_get.h"
#include "k8s_client/reflector.h"

namespace k8s_client {

class Audit {
  public:
    Audit(HttpGet& http, RequestGate& gate, StopSignal& stop, Journal& journal)
        : http_(http), gate_(gate), stop_(stop), journal_(journal) {}

    /// Blocks for the time of a list and, if something differs, until the watch has passed it. How
    /// many objects had been lost; what was found is journalled, and the reflector asked to relist.
    std::size_t check(Reflector& reflector);

  private:
    bool list(Reflector& reflector, std::uint64_t& version);
    std::vector<std::string> find_lost(Reflector& reflector, std::uint64_t version);
    bool wait_for_watch(const Reflector& reflector, std::uint64_t version);

    HttpGet& http_;
    RequestGate& gate_;
    StopSignal& stop_;
    Journal& journal_;
    Heartbeat heartbeat_;
};

}  // namespace k8s_client
