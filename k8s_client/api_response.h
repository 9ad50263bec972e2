// What the API server answered to a list or a watch: decoded as it arrives, and why it ended.
// Knows the two shapes of a response (one document; a line per event) and what a status means for
// the client. Knows no policy: what to do about an ending is the reflector's. One thread calls.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "k8s_client/decode.h"
#include "k8s_client/http_get.h"

namespace k8s_client {

/// Why a request ended.
struct Ending {
    enum class Kind {
        Complete,
        Stopped,
        Connect,    // no connection
        Untrusted,  // not to whom we want, or our own credentials can't be read
        Broken,     // it ended in the middle
        Silent,     // nothing came for as long as it may take
        Malformed,  // it is not what the API sends
        Expired,    // 410: the version, or the continue token, is too old
        TooLarge,   // the server has not yet, or no longer, the version we know
        NotFound,   // 404
        Invalid,    // 400, 422: it does not know these parameters
        Throttled,  // 429
        Refused,    // 401, 403
        Failed,     // any other status
    };
    Kind kind = Kind::Complete;
    int status = 0;
    std::string text;  // one line
    std::optional<std::chrono::seconds> retry_after;
};

/// The moment, on the steady clock, in which the server was last heard; any thread reads it.
class Heartbeat {
  public:
    void beat() {
        at_.store(std::chrono::steady_clock::now().time_since_epoch().count(),
                  std::memory_order_relaxed);
    }
    /// Zero: never.
    std::chrono::steady_clock::duration at() const {
        return std::chrono::steady_clock::duration(at_.load(std::memory_order_relaxed));
    }

  private:
    std::atomic<std::chrono::steady_clock::rep> at_{0};
};

/// Whom a watch tells of its progress.
class WatchProgress {
  public:
    virtual ~WatchProgress() = default;
    /// The server has accepted the watch. False: it is to end.
    virtual bool begun() = 0;
    /// The events of a piece have been decoded. False: the watch is to end.
    virtual bool events_decoded() = 0;
};

/// Reads one document into `receiver`, on a thread of its own beside the transfer.
Ending get_document(HttpGet& http, const HttpRequest& request, ObjectReceiver& receiver,
                    Heartbeat& heartbeat);

/// Reads a line per event into `receiver`, until the server, the progress or stop() ends it.
Ending get_events(HttpGet& http, const HttpRequest& request, ObjectReceiver& receiver,
                  WatchProgress& progress, Heartbeat& heartbeat);

/// A small response as text.
Ending get_text(HttpGet& http, const HttpRequest& request, std::string& text, Heartbeat& heartbeat);

/// What an error of the API means; also one that came as an event of a watch.
Ending ending_of(const ApiStatus& status);

}  // namespace k8s_client
