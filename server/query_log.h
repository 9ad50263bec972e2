// The lines of `log` and `errors`, collected by a worker and written once per batch.
// Knows CoreDNS's common log format; decides by name and class which lines are wanted. One per
// worker, on its thread only. Writes to standard output, whole lines at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/client.h"
#include "server/config.h"
#include "zones/query.h"

namespace server {

/// What is said about one reply.
struct LoggedReply {
    const std::uint8_t* message = nullptr;
    std::size_t size = 0;
};

class QueryLog {
  public:
    ~QueryLog() { flush(); }

    /// A line for the reply, if a `log` of the block wants it.
    void reply(const ServerBlock& block, const zones::Query& query, const Client& client,
               const LoggedReply& reply, std::chrono::nanoseconds duration);

    /// A line for a query that a plugin failed to answer, if the block has `errors`. Beyond 100 in
    /// a second they are only counted: an upstream that is away must not hold up whoever reads.
    void error(const ServerBlock& block, const zones::Query& query, zones::Rcode rcode,
               std::string_view text);

    void flush();

  private:
    using Clock = std::chrono::steady_clock;
    bool may_write_error();
    void end_second();

    std::string lines_;
    Clock::time_point second_{};  // when it began
    std::uint64_t errors_ = 0;    // in this second
};

/// "A", "TYPE65280"; "IN", "CLASS32"; "NOERROR", "RCODE23".
std::string type_text(std::uint16_t type);
std::string class_text(std::uint16_t qclass);
std::string rcode_text(unsigned rcode);

}  // namespace server
