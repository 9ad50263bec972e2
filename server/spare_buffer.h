// Memory that buffers are lent while there is something in them.
// Knows octets only. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace server {

class SpareBuffer {
  public:
    /// Memory for a buffer that is about to be filled, if it has none.
    void lend(std::vector<std::uint8_t>& buffer) {
        if (buffer.capacity() == 0) {
            buffer.swap(memory_);
        }
    }

    /// Empties a buffer, and keeps its memory for the next one or lets go of it.
    void take_back(std::vector<std::uint8_t>& buffer) {
        buffer.clear();
        if (buffer.capacity() > memory_.capacity() && buffer.capacity() <= kMost) {
            buffer.swap(memory_);
        }
        std::vector<std::uint8_t>().swap(buffer);
    }

  private:
    static constexpr std::size_t kMost = 128 * 1024;

    std::vector<std::uint8_t> memory_;  // always empty
};

}  // namespace server
