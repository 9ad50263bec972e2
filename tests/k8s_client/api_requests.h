// What the tests of ApiConnection share: a body that records, a connection with one call, replies.
// Free of threads; the caller has SIGPIPE ignored.
#pragma once

#include <csignal>
#include <functional>
#include <optional>
#include <string>

#include "k8s_client/api_connection.h"
#include "tests/k8s_client/scripted_server.h"

namespace k8s_client::testing {

struct RecordingBody : HttpBody {
    bool head(const HttpHead& value) override {
        heads.push_back(value);
        return wants_body;
    }
    bool chunk(std::string_view octets) override {
        text += octets;
        return on_chunk();
    }

    std::vector<HttpHead> heads;
    std::string text;
    bool wants_body = true;
    std::function<bool()> on_chunk = [] { return true; };
};

inline const char* name_of(HttpFailure::Kind kind) {
    static constexpr const char* kNames[] = {"Connect", "Tls",     "Credentials", "Broken",
                                             "Silent",  "GivenUp", "Stopped"};
    return kNames[static_cast<int>(kind)];
}

/// `Kind: text`, or `ok`.
inline std::string outcome(const tl::expected<void, HttpFailure>& done) {
    return done ? "ok" : std::string(name_of(done.error().kind)) + ": " + done.error().text;
}

inline std::string outcome(ApiConnection& connection, RecordingBody& body,
                           const HttpRequest& request = {"/api", "application/json"}) {
    return outcome(connection.get(request, body));
}

/// What one request to `access` comes to.
inline std::string outcome_of(const ApiAccess& access) {
    ApiConnection connection(access, "test");
    RecordingBody body;
    return outcome(connection, body);
}

inline ApiAccess plain_access(const ScriptedServer& server) {
    ApiAccess access;
    access.host = "127.0.0.1";
    access.port = server.port();
    access.tls = false;
    return access;
}

inline std::string reply(const std::string& text, const std::string& status = "200 OK",
                         const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\n" + headers +
           "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
}

inline ScriptedServer::Script say(const std::string& octets) {
    return [octets](Peer& peer) { peer.send(octets); };
}

}  // namespace k8s_client::testing
