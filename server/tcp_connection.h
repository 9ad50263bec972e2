// One TCP connection, as TcpConnections keeps it.
// A value of that class, for its own sources alone; on the worker's thread.
#pragma once

#include <vector>

#include "server/tcp_connections.h"

namespace server {

struct TcpConnections::Connection {
    Fd fd;
    Client client;
    const Route* route = nullptr;   // null: its address is no longer served
    std::vector<std::uint8_t> in;   // the start of a message, or what came while paused
    std::vector<std::uint8_t> out;  // replies that the socket would not take yet
    std::size_t sent = 0;           // of `out`
    std::size_t waiting = 0;        // queries without a reply yet
    std::size_t may_ask = 0;        // so many queries more
    TcpTimes times;
    std::uint32_t events = EPOLLIN;
    bool asked = false;       // a query has come
    bool ended = false;       // the client sends no more, or may ask no more
    bool parting = false;     // all is said; until the client closes, so that no RST destroys it
    bool in_service = false;  // take_queries() is at work: replies are only appended
    bool late = false;        // among late_
    Clock::time_point deadline;
};

}  // namespace server
