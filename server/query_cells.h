// What a worker counts of its queries, replies and upstreams, as cells that a scrape adds up.
// Knows what is counted, not how it is called (metric_names.h). A worker writes its own only.
#pragma once

#include "server/limit.h"
#include "server/metric_cells.h"
#include "server/metric_labels.h"

namespace server {

/// Of one zone at one server.
struct alignas(64) ZoneCells {
    // TCP or not, IPv6 or not.
    std::array<std::array<std::array<Count, kTypePlaces>, 2>, 2> requests;
    Count dnssec_requests;                                                // with DO
    std::array<HistogramCell<SizeScale>, 2> request_size, response_size;  // UDP, TCP
    HistogramCell<TimeScale> duration;
    std::array<std::array<Count, kRcodePlaces>, kAuthors> responses;
    Count acl_blocked, acl_filtered, acl_dropped, acl_allowed;
    std::array<std::array<Count, kLimitActions>, kLimits> limited;
    /// Answered in the batch in hand, whose duration is not known yet. The worker's own.
    std::uint32_t unmeasured = 0;
};

/// Of one cache at one server.
struct alignas(64) CacheCells {
    Count requests;
    Count success_hits, denial_hits, misses;
    Count success_evictions, denial_evictions;
    Count prefetches, drops, served_stale;
};

/// Of one upstream.
struct alignas(64) UpstreamCells {
    std::array<HistogramCell<TimeScale>, kRcodePlaces> replies;  // by rcode
    Count queries, failures, probes_failed, strays, abandoned;
    std::array<Count, 2> old_sockets, new_sockets;  // UDP, TCP
    Count down;                                     // forwarders that have found it so
    Count down_since;                               // Unix time of the first of them
};

/// Why a message got no reply, or one that is no answer.
enum class DropReason : std::uint8_t { Malformed, Acl, RateLimit, ResponseLimit };
inline constexpr std::size_t kDropReasons = 4;
enum class MalformedReason : std::uint8_t { Format, Opcode, EdnsVersion, Signed };
inline constexpr std::size_t kMalformedReasons = 4;

/// Which limit ended a TCP connection.
enum class TcpEnd : std::uint8_t {
    Idle,     // nothing was asked for too long
    Message,  // a message did not come, or not all of it
    Write,    // replies were not read
    Queries,  // it had asked all that it may
    Size,     // of a message: too long, or too short for a header
};
inline constexpr std::size_t kTcpEnds = 5;

/// Of the worker itself.
struct alignas(64) WorkerCells {
    std::uint64_t all_dropped() const { return sum_of(dropped); }
    std::uint64_t all_malformed() const { return sum_of(malformed); }

    Count messages;  // all that came
    std::array<Count, kDropReasons> dropped;
    std::array<Count, kMalformedReasons> malformed;
    Count unsent_replies;   // the kernel did not take them
    Count overflows;        // datagrams that did not fit into a socket's queue
    Count tcp_connections;  // now
    Count tcp_evicted;      // idle ones, to make room
    Count tcp_refused;      // its client, or all, had too many
    std::array<Count, kTcpEnds> tcp_closed;
    Count tcp_paused;  // too much was under way on a connection
    Count forwarded;
    Count pending_forwards;  // now
    Count shed_forwards;     // refused: more came than could be answered
    Count limit_evictions;   // of rate tables: who had not a full bucket made room
    Count merged_forwards, failovers, all_down, rejected_forwards;

  private:
    template <std::size_t N>
    static std::uint64_t sum_of(const std::array<Count, N>& counts) {
        std::uint64_t sum = 0;
        for (const Count& count : counts) {
            sum += count.get();
        }
        return sum;
    }
};

/// One count.
struct alignas(64) CountCell {
    Count count;
};

}  // namespace server
