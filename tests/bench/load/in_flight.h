// The queries in flight on one socket: which id stands for which question, and since when it is
// due. Knows no socket. A fixed table; an id that is not in it belongs to a query that was given
// up.
#pragma once

#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace load {

using Clock = std::chrono::steady_clock;

constexpr auto kGiveUp = std::chrono::seconds(1);

class InFlight {
  public:
    struct Query {
        Clock::time_point due;
        std::uint32_t question = 0;
        std::uint16_t id = 0;
        bool waits = false;
    };

    /// Room for at least so many.
    explicit InFlight(std::size_t most) : queries_(std::bit_ceil(most)) {}

    /// The id to ask under; none if all are taken.
    std::optional<std::uint16_t> add(std::uint32_t question, Clock::time_point due) {
        for (std::size_t tries = 0; tries < queries_.size(); ++tries) {
            Query& query = at(++last_);
            if (!query.waits) {
                query = {due, question, last_, true};
                ++count_;
                return last_;
            }
        }
        return std::nullopt;
    }

    /// What was asked under this id, taken out; none if nothing was.
    std::optional<Query> take(std::uint16_t id) {
        Query& query = at(id);
        if (!query.waits || query.id != id) {
            return std::nullopt;
        }
        query.waits = false;
        --count_;
        return query;
    }

    /// Takes out what was due before; how many.
    std::size_t give_up(Clock::time_point before) {
        std::size_t gone = 0;
        for (Query& query : queries_) {
            if (query.waits && query.due < before) {
                query.waits = false;
                ++gone;
            }
        }
        count_ -= gone;
        return gone;
    }

    std::size_t count() const { return count_; }

  private:
    Query& at(std::uint16_t id) { return queries_[id & (queries_.size() - 1)]; }

    std::vector<Query> queries_;
    std::size_t count_ = 0;
    std::uint16_t last_ = 0;
};

}  // namespace load
