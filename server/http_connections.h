// The connections of the HTTP responder: reading requests, writing replies, caps and deadlines.
// Knows what a slow, greedy or silent client may not do to the others; knows nothing of what is
// said. Owns its connections; borrows the listeners, which stay until use() has others. On one
// thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/event_poll.h"
#include "server/http_listeners.h"
#include "server/http_request.h"
#include "server/rare_metrics.h"

namespace server {

struct HttpLimits {
    std::size_t connections = 200;            // the one that waits longest makes room
    std::size_t request_size = 4096;          // of a head
    std::size_t unsent_octets = 8 << 20;      // of all; the oldest unread reply makes room
    std::chrono::milliseconds request{2000};  // for a whole request, from its first octet or accept
    std::chrono::milliseconds idle{90000};    // between two requests
    std::chrono::milliseconds reply{10000};   // for the client to take a whole reply
    std::chrono::milliseconds drain{1000};    // for the client to close after a last reply
};

class HttpConnections {
  public:
    using Clock = std::chrono::steady_clock;

    /// `metrics` null: nobody counts.
    explicit HttpConnections(const EventPoll& poll, HttpLimits limits = {},
                             RareMetrics* metrics = nullptr);
    ~HttpConnections();
    HttpConnections(const HttpConnections&) = delete;
    HttpConnections& operator=(const HttpConnections&) = delete;

    /// What is answered from now on. Connections whose listener is not among these are closed.
    void use(const HttpListeners& listeners);

    /// Takes some of what waits there. False: out of descriptors, ask again later.
    bool accept_from(const HttpListener& listener, Clock::time_point now);

    void handle_event(const EventTag& tag, std::uint32_t events, Clock::time_point now);

    /// Answers one more request of each connection that has sent several ahead.
    void go_on(Clock::time_point now);
    bool has_more() const { return !more_.empty(); }

    /// Every 100 ms, while any is open: closes what is past its deadline.
    void tick(Clock::time_point now);

    std::size_t open() const { return open_; }

  private:
    struct Connection;

    void add(Fd fd, int listener, Clock::time_point now);
    void make_room();
    void make_room_for(std::size_t octets);
    void close(Connection& connection);
    void read_from(Connection& connection, Clock::time_point now);
    void drain(Connection& connection);
    void take_request(Connection& connection, Clock::time_point now);
    HttpReply reply_to(const HttpRequest& request, int listener) const;
    void start_reply(Connection& connection, const HttpReply& reply, HttpReplyForm form,
                     Clock::time_point now);
    void refuse(Connection& connection, int status, Clock::time_point now);
    void write_to(Connection& connection, Clock::time_point now);
    void await_request(Connection& connection, Clock::time_point now);
    void watch(const Connection& connection, std::uint32_t events) const;
    void count(const char* limit, std::uint64_t more = 1);
    Connection* find(const EventTag& tag);

    const EventPoll& poll_;
    const HttpLimits limits_;
    RareMetrics* const metrics_;
    const HttpListeners* listeners_;
    std::vector<std::unique_ptr<Connection>> slots_;  // null: free
    std::vector<EventTag> more_;                      // have another request in their buffer
    std::uint32_t uses_ = 0;  // of slots, so that no event meets a later one
    std::size_t open_ = 0;
    std::size_t unsent_ = 0;
};

}  // namespace server
