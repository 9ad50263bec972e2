// A reflector of Services that runs against a script, with what it tells kept.
// Owns the thread; the destructor ends it.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "k8s_client/reflector.h"
#include "tests/k8s_client/recording_sink.h"
#include "tests/k8s_client/scripted_http.h"

namespace k8s_client {

inline std::string service_json(const std::string& name, int version, const std::string& ip) {
    return R"({"metadata":{"name":")" + name + R"(","namespace":"n","uid":"u-)" + name +
           R"(","resourceVersion":")" + std::to_string(version) + R"("},"spec":{"clusterIP":")" +
           ip + R"("}})";
}

inline std::string list_json(int version, const std::vector<std::string>& items,
                             const std::string& continue_token = "",
                             const std::string& kind = "Service") {
    std::string joined;
    for (const std::string& item : items) {
        joined += (joined.empty() ? "" : ",") + item;
    }
    return R"({"kind":")" + kind + R"(List","apiVersion":"v1","metadata":{"resourceVersion":")" +
           std::to_string(version) + R"(","continue":")" + continue_token + R"("},"items":[)" +
           joined + "]}\n";
}

inline std::string event_json(const std::string& type, const std::string& service) {
    return R"({"type":")" + type + R"(","object":{"kind":"Service","apiVersion":"v1",)" +
           service.substr(1) + "}\n";
}

inline std::string bookmark_json(int version, bool end_of_list = false) {
    return R"({"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{)" +
           std::string(end_of_list ? R"("annotations":{"k8s.io/initial-events-end":"true"},)"
                                   : "") +
           R"("resourceVersion":")" + std::to_string(version) + "\"}}}\n";
}

inline std::string status_json(int code, const std::string& reason, const std::string& message,
                               const std::string& details = "{}") {
    return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
           message + R"(","reason":")" + reason + R"(","details":)" + details + R"(,"code":)" +
           std::to_string(code) + "}";
}

inline std::string error_event_json(const std::string& status) {
    return R"({"type":"ERROR","object":)" + status + "}\n";
}

/// An older server's answer to a streaming list.
inline ScriptedResponse no_streaming() {
    return {.status = 422, .pieces = {status_json(422, "Invalid", "forbidden for watch")}};
}

struct ReflectorRig {
    explicit ReflectorRig(std::vector<ScriptedResponse> script,
                          const ApiResource& resource = kServices, Selection selection = {},
                          ApiObserver* observer = nullptr)
        : http(std::move(script)),
          reflector(
              resource, std::move(selection), {http, sink, sink, complaints, gate, stop, observer},
              [this] { sink.synced(); }, kQuick),
          thread([this] { reflector.run(); }) {}
    ~ReflectorRig() {
        stop.raise();
        http.stop();
        thread.join();
    }
    ReflectorRig(const ReflectorRig&) = delete;
    ReflectorRig& operator=(const ReflectorRig&) = delete;

    bool has(const std::string& name, bool present = true) {
        return sink.wait_object("Service n/" + name, present);
    }
    /// A version is there a moment after the objects are.
    bool reaches(std::uint64_t version) {
        const auto deadline = RecordingSink::Clock::now() + std::chrono::seconds(5);
        while (reflector.version() != version && RecordingSink::Clock::now() < deadline) {
            std::this_thread::yield();
        }
        return reflector.version() == version;
    }
    /// The query of the request `index`, without the parameter that is random.
    std::string query(std::size_t index) {
        std::string target = http.targets(index + 1).at(index);
        const std::size_t at = target.find("&timeoutSeconds=");
        if (at != std::string::npos) {
            const int seconds = std::stoi(target.substr(at + 16));
            CHECK(seconds >= 300);
            CHECK(seconds <= 600);
            target.erase(at, 19);
        }
        return target;
    }

    static constexpr RetryPace kQuick{std::chrono::milliseconds(5), std::chrono::milliseconds(20),
                                      std::chrono::milliseconds(5), std::chrono::milliseconds(20)};
    RecordingSink sink;
    ScriptedHttp http;
    Complaints complaints{sink};
    RequestGate gate{{1000, 1000, 0}};
    StopSignal stop;
    Reflector reflector;
    std::thread thread;
};

}  // namespace k8s_client
