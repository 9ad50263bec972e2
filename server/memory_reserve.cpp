#include "server/memory_reserve.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

namespace server {
namespace {

using namespace std::chrono_literals;
constexpr auto kTry = 1s;

std::array<std::atomic<void*>, MemoryReserve::kBlocks> reserved_blocks;
std::atomic<bool> reserve_is_spent = false;

/// What operator new calls before it tries again; a handler that sets none makes it fail
/// (https://en.cppreference.com/w/cpp/memory/new/set_new_handler).
void give_up_reserve() {
    reserve_is_spent.store(true, std::memory_order_relaxed);
    for (auto& block : reserved_blocks) {
        if (void* const memory = block.exchange(nullptr)) {
            std::free(memory);
            return;
        }
    }
    throw std::bad_alloc();
}

}  // namespace

bool memory_is_short() noexcept {
    return reserve_is_spent.load(std::memory_order_relaxed);
}

MemoryReserve::MemoryReserve(k8s_client::Journal& journal) : journal_(journal) {
    fill();
    std::set_new_handler(give_up_reserve);
}

MemoryReserve::~MemoryReserve() {
    std::set_new_handler(nullptr);
    for (auto& block : reserved_blocks) {
        std::free(block.exchange(nullptr));
    }
    reserve_is_spent = false;
}

/// By malloc, which asks no handler. False if there is not enough.
bool MemoryReserve::fill() {
    for (auto& block : reserved_blocks) {
        if (block == nullptr) {
            block = std::malloc(kBlockSize);
        }
        if (block == nullptr) {
            return false;
        }
    }
    return true;
}

void MemoryReserve::tick(Clock::time_point now) {
    if (!memory_is_short()) {
        return;
    }
    if (!told_) {
        told_ = true;
        next_try_ = now + kTry;
        journal_.write(k8s_client::Journal::Level::Error,
                       "no memory is left: TCP connections and queries for upstreams are refused "
                       "until there is some");
        return;
    }
    if (now < next_try_) {
        return;
    }
    next_try_ = now + kTry;
    if (fill()) {
        reserve_is_spent = false;
        told_ = false;
        journal_.write(k8s_client::Journal::Level::Info, "there is memory again");
    }
}

}  // namespace server
