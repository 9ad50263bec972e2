// The questions of a load: read from a file, encoded once, each with what its answer has to be.
// Knows the header of a message and no more of the reply. One thread. The order is shuffled, the
// same for each process; where it begins is drawn, so that short runs ask different ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace load {

using Octets = std::span<const std::uint8_t>;

class Questions {
  public:
    /// A line is `NAME TYPE [RCODE [ANSWERS]]`: type and rcode by name or number; NOERROR unless
    /// it says otherwise; any number of answers unless it says how many. Ends the process if the
    /// file has none, or one that is wrong.
    explicit Questions(const std::string& path);

    /// The number of the next question.
    std::uint32_t next() { return at_ = at_ + 1 == all_.size() ? 0 : at_ + 1; }

    /// A query with id 0; recursion desired, no EDNS, as a stub resolver sends it.
    Octets query(std::uint32_t number) const;

    /// Whether the reply has the rcode and the number of answers, and is not truncated.
    bool is_answered_by(std::uint32_t number, Octets reply) const;

    const std::string& text(std::uint32_t number) const { return all_[number].text; }

  private:
    struct Question {
        std::size_t begin = 0, size = 0;
        unsigned rcode = 0;
        int answers = -1;
        std::string text;
    };

    void add(const std::string& line);

    std::vector<Question> all_;
    std::vector<std::uint8_t> octets_;  // of all, in the order in which they are asked
    std::uint32_t at_ = 0;
};

}  // namespace load
