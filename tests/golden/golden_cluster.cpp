#include "tests/golden/golden_cluster.h"

#include <algorithm>
#include <functional>
#include <map>

#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/yaml_reader.h"

namespace golden {
namespace {

using Outcome = zones::ClusterZone::Outcome;
using Values = std::vector<std::string>;

std::vector<zones::Name> names_of(const Values& values) {
    std::vector<zones::Name> names;
    for (const auto& value : values) {
        names.push_back(zones::Name::parse(value).value());
    }
    return names;
}

zones::PodMode pod_mode(const std::string& text) {
    static const std::map<std::string, zones::PodMode> kModes = {
        {"disabled", zones::PodMode::Disabled},
        {"insecure", zones::PodMode::Insecure},
        {"verified", zones::PodMode::Verified}};
    return kModes.at(text);
}

void set_nameserver(zones::ClusterOptions& options, const std::string& text) {
    const auto slash = text.find('/');
    options.nameserver_namespace = text.substr(0, slash);
    options.nameserver_service = text.substr(slash + 1);
}

using Setter = std::function<void(CaseOptions&, const Values&)>;

const std::map<std::string, Setter>& setters() {
    static const std::map<std::string, Setter> kSetters = {
        {"zones", [](auto& o, auto& v) { o.cluster.zones = names_of(v); }},
        {"pods", [](auto& o, auto& v) { o.cluster.pods = pod_mode(v.at(0)); }},
        {"ttl",
         [](auto& o, auto& v) { o.cluster.ttl = static_cast<std::uint32_t>(std::stoul(v.at(0))); }},
        {"endpoint_pod_names", [](auto& o, auto&) { o.cluster.endpoint_pod_names = true; }},
        {"noendpoints", [](auto& o, auto&) { o.cluster.no_endpoints = true; }},
        {"ignore",
         [](auto& o, auto& v) { o.cluster.ignore_empty_service = v.at(0) == "empty_service"; }},
        {"namespaces", [](auto& o, auto& v) { o.cluster.namespaces = v; }},
        {"fallthrough",
         [](auto& o, auto& v) { o.cluster.fallthrough = names_of(v.empty() ? Values{"."} : v); }},
        {"nameserver", [](auto& o, auto& v) { set_nameserver(o.cluster, v.at(0)); }},
        {"listening",
         [](auto& o, auto& v) {
             for (const auto& text : v) {
                 o.listening.push_back(zones::parse_address(text).value());
             }
         }},
        {"unsynced", [](auto& o, auto&) { o.is_synced = false; }},
    };
    return kSetters;
}

/// Objects become changes; a wrong one fails the case.
struct Collector : k8s_client::ObjectReceiver {
    void take(k8s_client::Object object, std::size_t) override {
        changes.push_back({k8s_client::Change::Type::Applied, std::move(object)});
    }
    void skip(const std::string& message) override { throw CaseError(0, message); }
    void pass_over(std::string_view kind) override {
        throw CaseError(0, "a kind that answers nothing: " + std::string(kind));
    }
    std::vector<k8s_client::Change> changes;
};

std::vector<k8s_client::Change> decode(const std::string& text) {
    Collector collector;
    k8s_client::ObjectDecoder decoder(collector);
    const auto first = text.find_first_not_of(" \n");
    const bool json = first != std::string::npos && text.compare(first, 2, "{\"") == 0;
    const auto result =
        json ? k8s_client::read_json(text, decoder) : k8s_client::read_yaml(text, decoder);
    if (!result) {
        throw CaseError(0, "line " + std::to_string(result.error().line) +
                               " of the objects: " + result.error().why);
    }
    return std::move(collector.changes);
}

void compare(std::string& out, const char* what, const support::Texts& expected,
             const support::Texts& found) {
    if (support::sorted(expected) == support::sorted(found)) {
        return;
    }
    out += std::string("\n  ") + what;
    for (const auto& text : expected) {
        out += "\n    expected " + text;
    }
    for (const auto& text : found) {
        out += "\n    found    " + text;
    }
}

std::string outcome_of(const support::Reply& reply) {
    switch (reply.outcome) {
        case Outcome::NotOurs:
            return "NOT-OURS";
        case Outcome::NextPlugin:
            return "NEXT-PLUGIN";
        default:
            return reply.message.rcode_name();
    }
}

}  // namespace

CaseOptions make_options(const CaseFile& file) {
    CaseOptions options;
    options.cluster.zones = names_of({"cluster.local", "in-addr.arpa", "ip6.arpa"});
    for (const auto& option : file.options) {
        const auto setter = setters().find(option.name);
        if (setter == setters().end()) {
            throw CaseError(option.line, "no such option: " + option.name);
        }
        try {
            setter->second(options, option.values);
        } catch (const std::exception&) {
            throw CaseError(option.line, "bad value of " + option.name);
        }
    }
    return options;
}

GoldenCluster::GoldenCluster(const CaseFile& file) : GoldenCluster(file, make_options(file)) {}

GoldenCluster::GoldenCluster(const CaseFile& file, CaseOptions options)
    : store_(options.cluster, {0x6b65797278U, 1053}), zone_(options.cluster, options.listening) {
    store_.apply(decode(file.objects), kSerial);
    if (options.is_synced) {
        store_.set_synced();
    }
}

support::Reply GoldenCluster::ask(const CaseQuery& query) const {
    return support::ask(zone_, *store_.snapshot(),
                        {.qname = query.qname,
                         .qtype = query.qtype,
                         .tcp = !query.udp,
                         .edns_size = query.edns_size});
}

std::string difference(const Expected& expected, const support::Reply& reply) {
    std::string out;
    support::Texts flags = reply.message.flags;
    std::erase(flags, "qr");
    std::erase(flags, "rd");
    const bool ours = reply.outcome == Outcome::Done || reply.outcome == Outcome::NextName;
    compare(out, "outcome", {expected.outcome}, {outcome_of(reply)});
    compare(out, "next name", {expected.next}, {reply.target});
    compare(out, "flags", expected.flags, ours ? flags : support::Texts{});
    compare(out, "answer", expected.answer, reply.message.answer);
    compare(out, "authority", expected.authority, reply.message.authority);
    compare(out, "additional", expected.additional, reply.message.additional);
    return out;
}

}  // namespace golden
