// Random objects out of few names and addresses, so that they meet; and all that one may ask about
// them. Two clusters are the same if they answer the same. Seeded; one thread.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/test_cluster.h"

namespace support {

/// Random objects out of few names and addresses, so that they meet.
class Events {
  public:
    explicit Events(unsigned seed) : random_(seed) {}

    k8s_client::Change next() {
        k8s_client::Change change = applied(object());
        const auto& meta = k8s_client::meta_of(change.object);
        const std::string key =
            std::to_string(change.object.index()) + '/' + meta.ns + '/' + meta.name;
        if (below(4) == 0) {
            change.type = k8s_client::Change::Type::Deleted;
            state_.erase(key);
        } else {
            state_.insert_or_assign(key, change.object);
        }
        return change;
    }

    std::vector<k8s_client::Change> batch() {
        std::vector<k8s_client::Change> changes;
        for (unsigned count = 1 + below(6); count > 0; --count) {
            changes.push_back(next());
        }
        return changes;
    }

    /// What is there now, as one batch.
    std::vector<k8s_client::Change> state() const {
        std::vector<k8s_client::Change> changes;
        for (const auto& [key, object] : state_) {
            changes.push_back(applied(object));
        }
        return changes;
    }

    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  private:
    std::string ns() { return below(3) == 0 ? "test" : "prod"; }
    std::string name() { return "s" + std::to_string(below(3)); }
    std::string address() {
        const std::string last = std::to_string(1 + below(6));
        switch (below(9)) {
            case 0:
            case 1:
                return "fd00::" + last;
            case 2:  // not as it is usually written, and an endpoint's label is made from this text
                return (below(2) == 0 ? "fd00:0::" : "::ffff:10.0.0.") + last;
            default:
                return "10.0.0." + last;
        }
    }
    std::vector<k8s_client::Endpoint> endpoints() {
        std::vector<k8s_client::Endpoint> all;
        for (unsigned count = below(4); count > 0; --count) {
            all.push_back(
                make_endpoint(address(), below(3) == 0 ? "h" + name() : "", below(4) > 0));
        }
        return all;
    }
    std::vector<k8s_client::EndpointPort> ports() {
        if (below(3) == 0) {
            return {};
        }
        return {{below(2) == 0 ? "web" : "", "TCP", static_cast<std::uint16_t>(80 + below(2))}};
    }
    k8s_client::Service service() {
        const unsigned kind = below(8);
        if (kind == 0) {
            return make_external(
                ns(), name(), below(3) == 0 ? "example.com" : name() + ".prod.svc.cluster.local");
        }
        auto made = kind < 4 ? make_headless(ns(), name())
                             : make_service(ns(), name(), {address()}, {{"web", "TCP", 80}});
        made.publish_not_ready_addresses = below(4) == 0;
        return made;
    }
    k8s_client::Object object() {
        switch (below(9)) {
            case 0:
                return make_namespace(ns());
            case 1:
                return make_pod(ns(), "p" + std::to_string(below(4)),
                                below(5) == 0 ? "" : address());
            case 2:
                return make_endpoints(ns(), name(), {{endpoints(), ports()}});
            case 3:
            case 4:
            case 5:
                return service();
            default:
                return make_slice(ns(), "e" + std::to_string(below(4)), below(6) == 0 ? "" : name(),
                                  endpoints(), ports());
        }
    }

    std::mt19937 random_;
    std::map<std::string, k8s_client::Object> state_;
};

/// Everything one may ask about the names above.
inline std::vector<Ask> questions() {
    std::vector<Ask> all;
    for (const std::string ns : {"prod", "test"}) {
        all.push_back({.qname = ns + ".svc.cluster.local."});
        for (const std::string service : {"s0", "s1", "s2"}) {
            const std::string name = service + '.' + ns + ".svc.cluster.local.";
            for (const auto type : {zones::qtype::kA, zones::qtype::kAaaa, zones::qtype::kSrv}) {
                all.push_back({.qname = name, .qtype = type});
                all.push_back({.qname = "_web._tcp." + name, .qtype = type});
            }
            all.push_back({.qname = "_tcp." + name});
            for (const std::string label : {"hs0", "hs1", "10-0-0-1", "10-0-0-2", "fd00--1",
                                            "fd00-0--1", "--ffff-10-0-0-1"}) {
                all.push_back({.qname = label + '.' + name, .qtype = zones::qtype::kSrv});
            }
        }
        for (const std::string last : {"1", "2", "3", "4", "5", "6"}) {
            all.push_back({.qname = "10-0-0-" + last + '.' + ns + ".pod.cluster.local."});
            all.push_back({.qname = "fd00--" + last + '.' + ns + ".pod.cluster.local.",
                           .qtype = zones::qtype::kAaaa});
        }
    }
    for (const std::string last : {"1", "2", "3", "4", "5", "6"}) {
        all.push_back({.qname = last + ".0.0.10.in-addr.arpa.", .qtype = zones::qtype::kPtr});
        std::string v6 = last;
        for (int i = 0; i < 27; ++i) {
            v6 += ".0";
        }
        all.push_back({.qname = v6 + ".0.0.d.f.ip6.arpa.", .qtype = zones::qtype::kPtr});
    }
    return all;
}

/// Sections as sets; the serial is not compared.
inline Strings summary(const Reply& reply) {
    Strings lines = {reply.message.rcode_name(), reply.target};
    for (const auto* section : {&reply.message.answer, &reply.message.additional}) {
        for (const auto& line : sorted(*section)) {
            lines.push_back(line);
        }
    }
    lines.push_back(std::to_string(reply.message.authority.size()));
    return lines;
}

inline void check_same_answers(const TestCluster& one, const TestCluster& other) {
    static const auto kQuestions = questions();
    for (const auto& question : kQuestions) {
        INFO(question.qname, " ", question.qtype);
        REQUIRE(summary(one.ask(question)) == summary(other.ask(question)));
    }
}

/// The same answers, and nothing kept besides.
inline void check_same(const TestCluster& one, const TestCluster& other) {
    const auto a = one.snapshot(), b = other.snapshot();
    REQUIRE(*a->namespaces == *b->namespaces);
    REQUIRE(a->addresses4.size() == b->addresses4.size());
    REQUIRE(a->addresses6.size() == b->addresses6.size());
    REQUIRE(a->pods4.size() == b->pods4.size());
    REQUIRE(a->pods6.size() == b->pods6.size());
    for (std::size_t i = 0; i < zones::Snapshot::kShards; ++i) {
        REQUIRE(a->shards[i]->size() == b->shards[i]->size());
    }
    check_same_answers(one, other);
}

}  // namespace support
