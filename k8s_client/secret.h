// A text that must not be left behind in memory, nor get into a line of the log: a token, a private
// key.
// Its octets are overwritten when they are freed or moved elsewhere; there is no operator<<, no
// formatter and no conversion to a string, so that only reveal() leads out. Knows nothing of what
// it holds. A value; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace k8s_client {

/// Overwrites octets in a way that no compiler leaves out.
void wipe(void* octets, std::size_t size) noexcept;

template <typename T>
struct WipingAllocator {
    using value_type = T;

    T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
    void deallocate(T* memory, std::size_t n) noexcept {
        wipe(memory, n * sizeof(T));
        std::allocator<T>().deallocate(memory, n);
    }
    bool operator==(const WipingAllocator&) const = default;
};

class Secret {
  public:
    /// A string would keep short texts in itself, where no allocator sees them.
    using Octets = std::vector<char, WipingAllocator<char>>;

    Secret() = default;
    explicit Secret(std::string_view text) : octets_(text.begin(), text.end()) {}
    explicit Secret(Octets octets) : octets_(std::move(octets)) {}

    /// For who sends or parses it. Valid as long as this is.
    std::string_view reveal() const { return {octets_.data(), octets_.size()}; }
    bool empty() const { return octets_.empty(); }
    bool operator==(const Secret&) const = default;

  private:
    Octets octets_;
};

}  // namespace k8s_client
