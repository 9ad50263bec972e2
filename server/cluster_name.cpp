#include "server/cluster_name.h"

#include <algorithm>

#include "zones/cluster_zone.h"

namespace server {
namespace {

std::string without_underscore(const std::string& label) {
    return label.starts_with('_') ? label.substr(1) : label;
}

std::string wire_label(std::string_view label) {
    return static_cast<char>(label.size()) + std::string(label);
}

void read_labels(std::vector<std::string> labels, ClusterName& out) {
    const std::size_t size = labels.size();
    if (size >= 3 && labels.back() == "svc") {
        out.below = ClusterName::Below::Service;
        out.ns = labels[size - 2];
        out.service = labels[size - 3];
        labels.resize(size - 3);
    } else if (size >= 2 && labels.back() == "pod") {
        out.below = ClusterName::Below::Pod;
        out.ns = labels[size - 2];
        labels.resize(size - 2);
    }
    out.front = std::move(labels);
}

}  // namespace

std::string ClusterName::port() const {
    return front.size() == 2 ? without_underscore(front[0]) : std::string();
}

std::string ClusterName::protocol() const {
    return front.size() == 2 ? without_underscore(front[1]) : std::string();
}

std::optional<ClusterName> read_cluster_name(const zones::Name& name,
                                             const zones::ClusterOptions& options) {
    std::optional<ClusterName> out;
    for (const zones::Name& zone : options.zones) {
        if (name.is_at_or_below(zone) && (!out || out->zone.size() < zone.size())) {
            out = ClusterName{};
            out->zone = zone;
        }
    }
    if (!out) {
        return out;
    }
    out->reverse = zones::is_reverse_zone(out->zone);
    out->zone_labels = out->zone.label_count();
    zones::LoweredName lowered;
    lowered.assign(name.wire());
    std::vector<std::string> labels;
    for (std::size_t i = 0; i + out->zone_labels < lowered.labels; ++i) {
        labels.emplace_back(lowered.label(i));
    }
    if (out->reverse) {
        out->front = std::move(labels);
    } else {
        read_labels(std::move(labels), *out);
    }
    return out;
}

const zones::Name& primary_zone(const zones::ClusterOptions& options) {
    const auto zone = std::ranges::find_if_not(options.zones, zones::is_reverse_zone);
    return zone == options.zones.end() ? options.zones.front() : *zone;
}

bool leaves_out(const zones::ClusterOptions& options, std::string_view ns) {
    return !options.namespaces.empty() &&
           std::ranges::find(options.namespaces, ns) == options.namespaces.end();
}

const zones::ServiceRecords* find_service(const zones::Snapshot& snapshot, std::string_view service,
                                          std::string_view ns) {
    return snapshot.find_service(wire_label(service) + wire_label(ns));
}

std::vector<std::string> services_in(const zones::Snapshot& snapshot, std::string_view ns) {
    std::vector<std::string> names;
    for (const auto& shard : snapshot.shards) {
        shard->for_each([&](const zones::ServiceRecords& records) {
            if (records.visible && records.namespace_label() == ns) {
                names.emplace_back(records.service_label());
            }
        });
    }
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> namespaces_with(const zones::Snapshot& snapshot,
                                         std::string_view service) {
    std::vector<std::string> names;
    for (const auto& shard : snapshot.shards) {
        shard->for_each([&](const zones::ServiceRecords& records) {
            if (records.visible && records.service_label() == service) {
                names.emplace_back(records.namespace_label());
            }
        });
    }
    std::ranges::sort(names);
    return names;
}

std::string label_text(std::string_view label) {
    std::string text = zones::to_string(wire_label(label) + '\0');
    text.pop_back();  // the final dot
    return text;
}

}  // namespace server
