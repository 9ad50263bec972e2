#include "server/freed_memory.h"

#include <fstream>
#include <memory>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/sanitizer.h"

using server::FreedMemory;

namespace {

std::size_t resident() {
    std::size_t total = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> total >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("what was freed below something in use goes back to the kernel, once") {
    if (support::kSanitized) {
        MESSAGE("skipped: a sanitizer's allocator");
        return;
    }
    constexpr std::size_t kPieces = 64 * 1024, kPiece = 1000;
    FreedMemory memory;
    auto now = FreedMemory::Clock::now();
    memory.tick(now);
    std::vector<std::unique_ptr<char[]>> pieces(kPieces);
    for (auto& piece : pieces) {
        piece = std::make_unique<char[]>(kPiece);
    }
    const std::size_t highest = resident();
    for (std::size_t i = 0; i < kPieces; ++i) {
        if (i % 1024 != 1023) {
            pieces[i].reset();
        }
    }
    CHECK_FALSE(memory.tick(now));  // too soon
    now += FreedMemory::kInterval;
    CHECK(memory.tick(now));
    CHECK(resident() + kPieces * kPiece / 2 < highest);
    now += FreedMemory::kInterval;
    CHECK_FALSE(memory.tick(now));
}
