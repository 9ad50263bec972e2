// A text that comes in pieces of a given size. Borrows the text; one thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "k8s_client/json_reader.h"

namespace k8s_client {

class CutPieces : public TextPieces {
  public:
    CutPieces(std::string_view text, std::size_t size) : rest_(text), size_(size) {}

    std::string_view next() override {
        const std::string_view piece = rest_.substr(0, size_);
        rest_.remove_prefix(piece.size());
        return piece;
    }

  private:
    std::string_view rest_;
    std::size_t size_;
};

}  // namespace k8s_client
