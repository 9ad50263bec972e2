#include "server/status_client.h"

#include <charconv>
#include <optional>
#include <utility>

#include <httplib.h>

namespace server {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr time_t kReadSeconds = 15;

std::optional<std::pair<std::string, int>> split(const std::string& server) {
    const std::size_t colon = server.rfind(':');
    std::uint16_t port = 0;
    const char* const end = server.data() + server.size();
    if (colon == server.npos || std::from_chars(server.data() + colon + 1, end, port).ptr != end ||
        port == 0) {
        return std::nullopt;
    }
    std::string host = server.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != host.npos) {
        return std::nullopt;
    }
    return std::pair(host.empty() ? std::string("127.0.0.1") : std::move(host), int{port});
}

}  // namespace

tl::expected<std::string, std::string> ask_status(const std::string& server,
                                                  const std::string& target) {
    const auto place = split(server);
    if (!place) {
        return tl::unexpected("-server needs [HOST]:PORT, not '" + server + "'");
    }
    httplib::Client client(place->first, place->second);
    client.set_connection_timeout(kConnectSeconds);
    client.set_read_timeout(kReadSeconds);
    const auto reply = client.Get(target);
    if (!reply) {
        return tl::unexpected("no answer from " + server + " (" +
                              httplib::to_string(reply.error()) +
                              "): is it running, with \"status\" in its Corefile?");
    }
    if (reply->status != 200) {
        std::string why = reply->body.substr(0, reply->body.find('\n'));
        return tl::unexpected(server + " says " + std::to_string(reply->status) +
                              (why.empty() ? "" : ": " + why));
    }
    return reply->body;
}

}  // namespace server
