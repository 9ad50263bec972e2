// Server blocks as values, without a Corefile's text.
// Free functions; no state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config.h"
#include "tests/support/fake_upstream.h"

namespace server::testing {

inline zones::Name name(std::string_view text) {
    return zones::Name::parse(text).value();
}

inline const Listen kLoopback{"127.0.0.1", 53};

/// A block for these zones, all on one listener.
inline ServerBlock block(const std::vector<std::string>& zone_names, const Listen& on = kLoopback) {
    ServerBlock made;
    for (const std::string& zone : zone_names) {
        made.keys.push_back({name(zone), {on}});
    }
    return made;
}

inline Config config_of(std::vector<ServerBlock> blocks) {
    Config config;
    config.blocks = std::move(blocks);
    return config;
}

inline KubernetesConfig kubernetes(const std::vector<std::string>& zone_names) {
    KubernetesConfig made;
    for (const std::string& zone : zone_names) {
        made.options.zones.push_back(name(zone));
    }
    return made;
}

/// To a port of 127.0.0.1.
inline ForwardConfig forward(const std::string& from, std::uint16_t port) {
    ForwardConfig made;
    made.from = name(from);
    made.options.upstreams = {{"127.0.0.1", port}};
    made.options.read_timeout = std::chrono::milliseconds(200);
    return made;
}

inline ForwardConfig forward(const std::string& from, const support::FakeUpstream& upstream) {
    return forward(from, upstream.port());
}

}  // namespace server::testing
