// The questions of a load, and its queries as octets: a fresh one each, its letters in cases that
// are drawn (RFC 4343), with an OPT record or without. One thread.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace soak {

struct Query {
    std::uint32_t question = 0;        // its line in the file
    std::vector<std::uint8_t> octets;  // with id 0
};

class Questions {
  public:
    /// A line is `NAME TYPE`, the type as a number. A `*` in the name stands for a label that no
    /// query had before. Throws if the file has none.
    Questions(const std::string& path, std::uint64_t seed);

    Query draw();
    /// The same question again, in the same letters.
    std::uint64_t random() { return random_(); }

  private:
    struct Question {
        std::string name;
        unsigned type;
    };

    std::vector<Question> all_;
    std::mt19937_64 random_;
    std::string label_;  // of this process
    std::uint32_t fresh_ = 0;
};

}  // namespace soak
