// Reads the head of an HTTP/1.x request as it came from the network (RFC 9112).
// Knows the syntax, and what no body and no ambiguity needs; knows no paths and no sockets. Free of
// state: any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

namespace server {

struct HttpRequest {
    enum class Method { Get, Head, Other };
    Method method = Method::Other;
    std::string_view path;    // without query; a view into the octets that were read
    bool keep_alive = false;  // the connection may be used again
    std::size_t size = 0;     // octets of the head, with empty lines before it
};

/// The first request of `octets`; nullopt if its head is not complete; else the status that says
/// what is wrong, after which nothing on this connection can be trusted. A request with a body is
/// refused. The work is linear in the size, which the caller bounds.
tl::expected<std::optional<HttpRequest>, int> read_request(std::string_view octets);

}  // namespace server
