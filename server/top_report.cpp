#include "server/top_report.h"

#include <algorithm>
#include <set>

#include "server/metric_labels.h"
#include "zones/cluster_zone.h"

namespace server {
namespace {

using Counted = std::pair<std::string, std::uint64_t>;

/// The most frequent first; equal ones by name, so that they don't dance.
std::vector<Counted> most_frequent(const TopSums& sums, std::size_t most) {
    std::vector<Counted> sorted(sums.begin(), sums.end());
    const auto before = [](const Counted& a, const Counted& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(most, sorted.size()));
    std::partial_sort(sorted.begin(), end, sorted.end(), before);
    sorted.erase(end, sorted.end());
    return sorted;
}

std::uint64_t total_of(const TopSums& sums) {
    std::uint64_t total = 0;
    for (const auto& [octets, count] : sums) {
        total += count;
    }
    return total;
}

std::string address_text(std::string_view octets) {
    if (octets.size() == sizeof(zones::Ipv4)) {
        zones::Ipv4 address;
        std::ranges::copy(octets, address.octets.begin());
        return zones::to_string(address);
    }
    if (octets.size() == sizeof(zones::Ipv6)) {
        zones::Ipv6 address;
        std::ranges::copy(octets, address.octets.begin());
        return zones::to_string(address);
    }
    return "?";
}

std::vector<TopZone> zones_of(const Instance& instance) {
    std::vector<TopZone> zones;
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster == nullptr) {
            continue;
        }
        const auto snapshot = block.cluster->published().value();
        for (const zones::Name& zone : block.config->kubernetes->options.zones) {
            if (!zones::is_reverse_zone(zone)) {
                zones.push_back({zone, snapshot});
            }
        }
    }
    return zones;
}

std::vector<TopRow> rows_of(const TopSums& names, std::size_t most) {
    std::vector<TopRow> rows;
    for (const auto& [name, count] : most_frequent(names, most)) {
        rows.push_back({.what = zones::to_string(name), .queries = count});
    }
    return rows;
}

std::vector<TopRow> clients_of(const Instance& instance, const TopSums& clients, std::size_t most) {
    std::vector<TopRow> rows;
    std::set<std::string, std::less<>> addresses;
    for (const auto& [octets, count] : most_frequent(clients, most)) {
        rows.push_back({.what = address_text(octets), .queries = count});
        addresses.insert(rows.back().what);
    }
    std::map<std::string, std::vector<std::string>> pods;
    for (const Block& block : instance.routing.blocks) {
        if (block.cluster != nullptr) {
            pods.merge(block.cluster->pods_at(addresses));
        }
    }
    for (TopRow& row : rows) {
        const auto found = pods.find(row.what);
        row.pods = found == pods.end() ? 0 : found->second.size();
        // Pods of the node's network have one address together: which of them, nobody knows.
        if (row.pods == 1) {
            row.pod = found->second.front();
        }
    }
    return rows;
}

std::vector<TopRow> errors_of(const Top& top, std::size_t most) {
    std::vector<TopRow> rows;
    for (const auto& [octets, count] : most_frequent(top_sums(top, TopTable::Errors), most)) {
        rows.push_back({.what = zones::to_string(std::string_view(octets).substr(1)),
                        .rcode = rcode_at(rcode_place(static_cast<unsigned char>(octets[0]))),
                        .queries = count});
    }
    return rows;
}

TopSums all_names(const Top& top) {
    TopSums sums = top_sums(top, TopTable::Names);
    for (const auto& [name, count] : top_sums(top, TopTable::NxDomain)) {
        sums[name] += count;
    }
    for (const auto& [octets, count] : top_sums(top, TopTable::Errors)) {
        sums[octets.substr(1)] += count;
    }
    return sums;
}

TopSums wasted(const Instance& instance, const Top& top) {
    TopSums sums;
    const auto zones = zones_of(instance);
    const TopSums denials = top_sums(top, TopTable::NxDomain);
    for (const auto& [name, count] : denials) {
        if (auto searched = searched_name(name, zones, denials)) {
            sums[*std::move(searched)] += count;
        }
    }
    return sums;
}

double seconds_of(const Top& top) {
    auto began = TopCounts::Clock::time_point::max();
    for (const auto& worker : top.workers()) {
        began = std::min(began, worker->began());
    }
    return std::max(std::chrono::duration<double>(TopCounts::Clock::now() - began).count(), 0.001);
}

/// How many of the leftmost labels are in front of a search list's suffix; 0: it is none such.
std::size_t labels_before_suffix(const zones::LoweredName& name, std::size_t zone_labels,
                                 const TopZone& zone, const TopSums& denials) {
    const std::size_t left = name.labels - zone_labels;
    if (left < 3 || name.label(left - 1) != "svc") {
        const bool own =
            left > 0 && (name.label(left - 1) == "svc" || name.label(left - 1) == "pod" ||
                         name.label(left - 1) == "dns");
        return left >= 2 && !own ? left : 0;
    }
    const auto wire = [&](std::size_t from, std::size_t to) {
        return name.wire().substr(name.label_at[from], name.label_at[to] - name.label_at[from]);
    };
    if (zone.snapshot->namespace_exposed(name.label(left - 2))) {
        // <service> or <endpoint>.<service>, if there is such a Service.
        const bool may_be_endpoint =
            left >= 4 && zone.snapshot->find_service(wire(left - 3, left - 1)) != nullptr;
        return left >= 4 && !may_be_endpoint ? left - 2 : 0;
    }
    // With two labels it may be a Service of a namespace that is misspelled, unless the next step
    // of the search was taken as well.
    const std::string next = std::string(wire(0, left - 1)) + std::string(name.suffix(left));
    return left >= 4 || denials.contains(next) ? left - 1 : 0;
}

}  // namespace

TopSums top_sums(const Top& top, TopTable table) {
    TopSums sums;
    for (const auto& worker : top.workers()) {
        worker->for_each(table, [&](std::string_view octets, std::uint64_t count) {
            const auto known = sums.find(octets);
            if (known == sums.end()) {
                sums.emplace(octets, count);
            } else {
                known->second += count;
            }
        });
    }
    return sums;
}

std::optional<std::string> searched_name(std::string_view denied, const std::vector<TopZone>& zones,
                                         const TopSums& denials) {
    zones::LoweredName name;
    name.assign(denied);
    for (const TopZone& zone : zones) {
        if (!zones::is_at_or_below(denied, zone.name.wire())) {
            continue;
        }
        const std::size_t before =
            labels_before_suffix(name, zone.name.label_count(), zone, denials);
        if (before > 0) {
            return std::string(denied.substr(0, name.label_at[before])) + '\0';
        }
    }
    return std::nullopt;
}

double TopReport::share(std::uint64_t count) const {
    return queries == 0 ? 0.0
                        : std::min(1.0, static_cast<double>(count) / static_cast<double>(queries));
}

TopReport top_report(const Instance& instance, std::string_view list, std::size_t most) {
    const Top& top = *instance.routing.top;
    const TopSums clients = top_sums(top, TopTable::Clients);
    TopReport report{.seconds = seconds_of(top), .queries = total_of(clients), .lists = {}};
    const auto rows = [&](std::string_view one) {
        if (one == "clients") {
            return clients_of(instance, clients, most);
        }
        if (one == "errors") {
            return errors_of(top, most);
        }
        return rows_of(one == "names"      ? all_names(top)
                       : one == "nxdomain" ? top_sums(top, TopTable::NxDomain)
                       : one == "wasted"   ? wasted(instance, top)
                                           : top_sums(top, TopTable::Leaked),
                       most);
    };
    for (const std::string_view one : kTopLists) {
        if (list.empty() || list == one) {
            report.lists.push_back({one, rows(one)});
        }
    }
    return report;
}

}  // namespace server
