// The TCP side of one worker: connections, framing, pipelining, deadlines.
// Knows RFC 7766 and the two octets of length; knows nothing of DNS. Owns its connections; buffers
// exist only while something is in them. On the worker's thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "server/client.h"
#include "server/client_shares.h"
#include "server/event_poll.h"
#include "server/pipeline.h"
#include "server/spare_buffer.h"

namespace server {

struct TcpTimes {
    std::chrono::milliseconds message{3000};  // for the first query, and for each once it began
    std::chrono::milliseconds idle{10000};    // with nothing to do
    std::chrono::milliseconds write{5000};    // without a reply getting on
    std::chrono::milliseconds parting{1000};  // for the client to close, after its last reply
};

struct TcpLimits {
    std::size_t connections = 1000;  // of one worker; the idle one nearest its deadline makes room
    std::size_t of_a_client = 250;   // of those; then an idle one of its own makes room
    std::size_t spare_descriptors = 256;     // left for probes, upstreams and the API server
    std::size_t query_size = 4096;           // longer messages end the connection
    std::size_t waiting_queries = 100;       // of one connection, before reading pauses
    std::size_t unsent_octets = 256 * 1024;  // of one connection, before reading pauses
    std::size_t queries = 1'000'000;         // of one connection; it ends with the last reply
    TcpTimes times{};                        // these two where `timeouts` says nothing
};

class TcpConnections {
  public:
    using Clock = std::chrono::steady_clock;

    TcpConnections(const EventPoll& poll, Pipeline& pipeline, TcpLimits limits = {});
    ~TcpConnections();
    TcpConnections(const TcpConnections&) = delete;
    TcpConnections& operator=(const TcpConnections&) = delete;

    /// From now on queries go there. `route_of` says what has become of the route of a connection;
    /// where nothing has, what it has asked is still answered.
    void serve_with(Pipeline& pipeline, const std::function<const Route*(const Route&)>& route_of);

    /// Takes what waits at the listener. False: out of descriptors, ask again later.
    bool accept_from(int listener, const Route& route, Clock::time_point now);

    void handle_event(const EventTag& tag, std::uint32_t events, Clock::time_point now);

    /// A reply that had to wait; dropped if the connection has gone. Sent with send_late().
    void send(const Client& client, const std::uint8_t* reply, std::size_t size);
    bool has_late() const { return !late_.empty(); }
    /// After everything that may have called send().
    void send_late(Clock::time_point now);

    /// Every 100 ms: closes what is past its deadline.
    void tick(Clock::time_point now);

    std::size_t open() const { return open_; }
    /// Whether a connection has asked, or is asking, and has not all of its replies.
    bool busy() const;
    /// Octets that are kept for all connections, in and out.
    std::size_t buffered() const;

  private:
    struct Connection;

    void add(Fd fd, const Client& client, const Route& route, Clock::time_point now);
    bool make_room(ClientShares::Key client);
    bool leave_spare(Fd& fd, int first_spare);
    bool evict_idle(std::optional<ClientShares::Key> of = std::nullopt);
    void close(std::uint32_t slot);
    void part_from(Connection& connection, Clock::time_point now);
    void drain(Connection& connection);
    void read_from(Connection& connection, Clock::time_point now);
    bool take_queries(Connection& connection, Clock::time_point now);
    void append_reply(Connection& connection, const std::uint8_t* reply, std::size_t size);
    bool flush(Connection& connection, Clock::time_point now);
    void settle(Connection& connection, Clock::time_point now);
    bool paused(const Connection& connection) const;
    TcpEnd overdue(const Connection& connection) const;
    void count(TcpEnd reason);
    void watch(Connection& connection, std::uint32_t events);

    const EventPoll& poll_;
    Pipeline* pipeline_;
    TcpLimits limits_;
    std::vector<std::unique_ptr<Connection>> slots_;  // null: free
    std::vector<std::uint32_t> generations_;          // by slot
    std::vector<std::uint32_t> free_;
    std::size_t open_ = 0;
    std::vector<std::uint32_t> late_;   // slots of connections with replies from send()
    SpareBuffer spare_in_, spare_out_;  // for the one in service
    ClientShares shares_;
    std::vector<std::uint8_t> read_buffer_;
    std::vector<std::uint8_t> reply_buffer_;
};

}  // namespace server
