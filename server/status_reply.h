// What the routes of `status` are asked, and what they say: the seam between HTTP and what is
// shown. Values; knows no sockets. A handler runs on one of the server's threads, several at a
// time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace server {

struct StatusRequest {
    /// Decoded; of several with one name the first.
    std::map<std::string, std::string, std::less<>> parameters;

    /// "" where it is not given.
    std::string_view parameter(std::string_view name) const {
        const auto found = parameters.find(name);
        return found == parameters.end() ? std::string_view() : found->second;
    }
};

struct StatusReply {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
};

/// May throw, which is a 500; may take its time, which the others of the pool don't notice.
using StatusHandler = std::function<StatusReply(const StatusRequest&)>;
/// By path: "/api/status".
using StatusRoutes = std::map<std::string, StatusHandler, std::less<>>;

/// An error in words.
inline StatusReply status_error(int status, std::string_view why) {
    return {status, "text/plain; charset=utf-8", std::string(why) + "\n"};
}

}  // namespace server
