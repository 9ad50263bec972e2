// Memory for the moment when there is no more: operator new gets it before it would fail.
// Knows the new_handler, of which a process has one: so there is one reserve for all threads. Knows
// nothing of who wants memory, nor of limits that the kernel enforces by killing (cgroups). Belongs
// to the main thread; memory_is_short() may be asked by any.
#pragma once

#include <chrono>
#include <cstddef>

#include "k8s_client/source.h"

namespace server {

/// True while the reserve is spent: nothing is begun then that can be refused. Costs a load.
bool memory_is_short() noexcept;

class MemoryReserve {
  public:
    using Clock = std::chrono::steady_clock;

    /// `journal` outlives it. One at a time.
    explicit MemoryReserve(k8s_client::Journal& journal);
    ~MemoryReserve();
    MemoryReserve(const MemoryReserve&) = delete;
    MemoryReserve& operator=(const MemoryReserve&) = delete;

    /// To be called often: tells of a reserve that is spent, and takes it anew once that can be
    /// had.
    void tick(Clock::time_point now);

    /// Of address space; the kernel gives no memory for what nobody touches. Several, since threads
    /// may run out of memory at the same moment.
    static constexpr std::size_t kBlocks = 4, kBlockSize = std::size_t{2} << 20;

  private:
    static bool fill();

    k8s_client::Journal& journal_;
    bool told_ = false;
    Clock::time_point next_try_{};
};

}  // namespace server
