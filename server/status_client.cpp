#include "server/status_client.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <httplib.h>

#include "server/explain_question.h"

namespace server {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr time_t kReadSeconds = 30;                         // it may ask upstreams
constexpr std::size_t kMostOctets = std::size_t{16} << 20;  // of a reply

std::string no_reply(const ServerAddress& server, httplib::Error error) {
    const std::string where = server.host + ':' + std::to_string(server.port);
    if (error == httplib::Error::Connection) {
        return "nothing listens at " + where +
               ": put `status` into the Corefile of the server, or give -server ADDR";
    }
    return "no reply from " + where + ": " + httplib::to_string(error);
}

}  // namespace

tl::expected<ServerAddress, std::string> server_address(const std::string& text) {
    ServerAddress out;
    std::string_view host = text;
    const std::size_t colon = text.rfind(':');
    const bool has_port = text.starts_with('[')
                              ? text.find("]:") != std::string::npos
                              : colon != std::string::npos && text.find(':') == colon;
    if (has_port) {
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data() + colon + 1, end, out.port);
        if (read.ec != std::errc() || read.ptr != end || out.port == 0) {
            return tl::unexpected("-server " + text + ": not an address and port");
        }
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    out.host = host.empty() ? "127.0.0.1" : host;
    return out;
}

tl::expected<std::string, std::string> ask_status(const std::string& server,
                                                  const std::string& target) {
    const auto address = server_address(server);
    if (!address) {
        return tl::unexpected(printable(address.error()));
    }
    httplib::Client client(address->host, address->port);
    client.set_connection_timeout(kConnectSeconds);
    client.set_read_timeout(kReadSeconds);
    std::string body;
    const auto reply = client.Get(target, [&](const char* octets, std::size_t size) {
        body.append(octets, size);
        return body.size() <= kMostOctets;
    });
    if (!reply) {
        return tl::unexpected(printable(no_reply(*address, reply.error())));
    }
    if (reply->status == 404) {
        return tl::unexpected("the server at " + printable(server) +
                              " knows no such thing: is it another program's, or an older one's "
                              "port?");
    }
    if (reply->status != 200) {
        body.resize(std::min(body.size(), body.find('\n')));
        return tl::unexpected(
            printable(body.empty() ? "status " + std::to_string(reply->status) : body));
    }
    return body;
}

}  // namespace server
