// A server's part without sockets: each request is answered by the next step of a script.
// Knows only what http_get.h says. get() is called by the thread under test; wait() and stop() by
// the test.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "k8s_client/http_get.h"

namespace k8s_client {

struct ScriptedResponse {
    int status = 200;
    std::vector<std::string> pieces = {};
    /// After the pieces: the failure, if there is one; else the response ends well.
    std::optional<HttpFailure::Kind> failure = {};
    /// After the pieces nothing comes until the watch is interrupted or stopped.
    bool stays_open = false;
    std::optional<std::chrono::seconds> retry_after = {};
    /// Called when the request is under way, before anything of the response.
    std::function<void()> before = {};
};

class ScriptedHttp : public HttpGet {
  public:
    using Failed = tl::expected<void, HttpFailure>;

    explicit ScriptedHttp(std::vector<ScriptedResponse> script)
        : script_(script.begin(), script.end()) {}

    Failed get(const HttpRequest& request, HttpBody& body) override {
        std::unique_lock lock(mutex_);
        requests_.push_back(request);
        changed_.notify_all();
        interrupted_ = false;
        if (script_.empty()) {
            return wait_for_end(lock);
        }
        const ScriptedResponse response = script_.front();
        script_.pop_front();
        lock.unlock();
        if (response.before) {
            response.before();
        }
        if (response.failure != HttpFailure::Kind::Connect) {
            if (!body.head({response.status, response.retry_after})) {
                return tl::unexpected(HttpFailure{HttpFailure::Kind::GivenUp, "given up"});
            }
            for (const std::string& piece : response.pieces) {
                if (!body.chunk(piece)) {
                    return tl::unexpected(HttpFailure{HttpFailure::Kind::GivenUp, "given up"});
                }
            }
        }
        if (response.failure) {
            return tl::unexpected(HttpFailure{*response.failure, "as scripted"});
        }
        lock.lock();
        return response.stays_open ? wait_for_end(lock) : Failed();
    }

    void stop() override {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }
    void interrupt() override {
        const std::lock_guard lock(mutex_);
        interrupted_ = true;
        changed_.notify_all();
    }

    /// Waits until `count` requests have come; their targets, in order.
    std::vector<std::string> targets(std::size_t count) {
        constexpr std::chrono::seconds kLimit{20};
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kLimit, [&] { return requests_.size() >= count; });
        std::vector<std::string> targets;
        for (const HttpRequest& request : requests_) {
            targets.push_back(request.target);
        }
        return targets;
    }

  private:
    Failed wait_for_end(std::unique_lock<std::mutex>& lock) {
        changed_.wait(lock, [this] { return stopped_ || interrupted_; });
        return tl::unexpected(stopped_ ? HttpFailure{HttpFailure::Kind::Stopped, "stopped"}
                                       : HttpFailure{HttpFailure::Kind::Broken, "cut"});
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<ScriptedResponse> script_;
    std::vector<HttpRequest> requests_;
    bool stopped_ = false;
    bool interrupted_ = false;
};

}  // namespace k8s_client
