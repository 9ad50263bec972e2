// A resolver::Reactor on poll(2) for tests: drives one Forwarder and the fake upstreams it asks
// in one thread, until a condition holds or a deadline passes.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <vector>

#include "resolver/forward.h"
#include "tests/support/fake_upstream.h"

namespace support {

class PollReactor : public resolver::Reactor {
  public:
    void watch(int fd, bool readable, bool writable) override;

    void add(FakeUpstream& upstream) { upstreams_.push_back(&upstream); }

    /// True as soon as `condition` holds; false if it does not within `limit`.
    bool run_until(resolver::Forwarder& forwarder, const std::function<bool()>& condition,
                   std::chrono::milliseconds limit = std::chrono::seconds(10));

    std::size_t watched() const { return events_.size(); }

  private:
    void poll_once(resolver::Forwarder& forwarder);

    std::map<int, short> events_;
    std::vector<FakeUpstream*> upstreams_;
};

}  // namespace support
