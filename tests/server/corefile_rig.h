// A Rig with the server blocks of a Corefile, asked from addresses of the test's choice.
// One thread, the test's.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <string>
#include <string_view>

#include "tests/server/config_loading.h"
#include "tests/server/rig.h"
#include "tests/server/upstream_replies.h"

namespace server::testing {

/// A name of the cluster, for tests that put the Service there.
inline constexpr const char* kWebName = "web.prod.svc.cluster.local";
/// An address in whose name others ask.
inline constexpr const char* kVictim = "198.51.100.1";

inline Client client_at(const char* address, bool tcp = false) {
    Client client{};
    client.tcp = tcp;
    client.peer.v6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, address, &client.peer.v6.sin6_addr) != 1) {
        client.peer.v4.sin_family = AF_INET;
        inet_pton(AF_INET, address, &client.peer.v4.sin_addr);
    }
    return client;
}

class CorefileRig : public Rig {
  public:
    /// UPSTREAM in the text stands for an upstream that answers every name with 192.0.2.1 until it
    /// is told otherwise.
    explicit CorefileRig(std::string_view corefile, TcpLimits limits = {})
        : CorefileRig(corefile, std::make_unique<support::FakeUpstream>(answer_with_address),
                      limits) {}

    support::FakeUpstream& upstream() { return *upstream_; }

    using Rig::ask;
    Reply ask(std::string_view qname) { return ask(Asked{.name = std::string(qname)}); }
    /// From that address, over UDP.
    Reply ask_from(const char* address, const Asked& asked) {
        const std::size_t before = late().size();
        if (!handle(make_query(asked), client_at(address)).waits) {
            return read_reply(reply());
        }
        if (!run_until([&] { return late().size() > before; })) {
            throw std::runtime_error("no reply came");
        }
        return read_reply(late().back());
    }

    /// The questions that the upstream had, in order: names in lower case, no probes of any kind.
    std::vector<std::string> forwarded() const {
        std::vector<std::string> names;
        for (const support::Received& query : upstream_->received()) {
            if (support::has_opt(query.message)) {
                names.push_back(zones::to_lower(asked_name(query)));
            }
        }
        return names;
    }

  private:
    CorefileRig(std::string_view corefile, std::unique_ptr<support::FakeUpstream> upstream,
                TcpLimits limits)
        : Rig(blocks_of(corefile, *upstream), limits), upstream_(std::move(upstream)) {
        serve(*upstream_);
    }

    static std::vector<ServerBlock> blocks_of(std::string_view corefile,
                                              const support::FakeUpstream& upstream) {
        constexpr std::string_view kPlaceholder = "UPSTREAM";
        std::string text(corefile);
        for (std::size_t at = 0; (at = text.find(kPlaceholder, at)) != std::string::npos;) {
            text.replace(at, kPlaceholder.size(), "127.0.0.1:" + std::to_string(upstream.port()));
        }
        return load(text).blocks;
    }

    std::unique_ptr<support::FakeUpstream> upstream_;
};

/// The types of the answer section, in order: "CNAME A A".
inline std::string types_of(const Reply& reply) {
    std::string types;
    for (const std::string& record : reply.answer) {
        const std::size_t at = record.find(" IN ") + 4;
        types += (types.empty() ? "" : " ") + record.substr(at, record.find(' ', at) - at);
    }
    return types;
}

}  // namespace server::testing
