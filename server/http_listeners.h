// The sockets that plugins want HTTP to be answered on, and what is answered there.
// Knows addresses, paths and how a new set grows out of the one that is open; knows nothing of
// requests. Start-up and reload only, on one thread; throws ConfigError.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/config.h"
#include "server/http_reply.h"
#include "server/sockets.h"

namespace server {

/// One path on one address. Several plugins may share an address, and a path: the last one counts.
struct HttpEndpoint {
    Listen listen;  // as the configuration has it: no address is all of both families
    std::string path;
    HttpHandler handler;
};

using HttpPaths = std::map<std::string, HttpHandler, std::less<>>;

struct HttpListener {
    Listen asked;                  // what the configuration says
    Listen bound;                  // what the socket has: an address always, and a port
    std::shared_ptr<const Fd> fd;  // shared with the sets before and after
    HttpPaths paths;
};
using HttpListeners = std::vector<HttpListener>;

/// A listening socket of the process before this one, with what its configuration had asked for.
using InheritedHttpListener = std::pair<Listen, Fd>;

/// A listener for each address of `endpoints`: out of `open` if it is there, else out of
/// `inherited`, else opened. An address whose port is listened on for all addresses has no socket
/// of its own. Throws ConfigError; `open` is as it was, whatever happens.
HttpListeners make_http_listeners(const std::vector<HttpEndpoint>& endpoints,
                                  const HttpListeners& open,
                                  std::vector<InheritedHttpListener> inherited = {});

/// "http listening 127.0.0.1:8080 /health", a line for each path.
std::vector<std::string> described(const HttpListeners& listeners);

}  // namespace server
