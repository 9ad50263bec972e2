// Who asks what, as lists for people and programs: `/api/top`,
// the page.
// Adds up what workers have counted, and knows what a cluster's names tell: which pod a client is,
// which name was only tried with a search list's suffix. Free functions; any thread, now and then.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/instance.h"
#include "server/top_counts.h"

namespace server {

/// The lists, in the order in which they are shown.
inline constexpr std::string_view kTopLists[] = {"clients", "names",  "nxdomain",
                                                 "wasted",  "leaked", "errors"};
inline constexpr std::size_t kMostOfTop = 100;

struct TopRow {
    std::string what{};    // a name in presentation form, or the address of a client
    std::string pod{};     // of a client: `namespace/name`; empty: not known, or several
    std::size_t pods = 0;  // that have its address
    std::string rcode{};   // of an error
    std::uint64_t queries = 0;
};
struct TopReport {
    double seconds = 0;         // that it is about
    std::uint64_t queries = 0;  // in all
    struct List {
        std::string_view name;
        std::vector<TopRow> rows;
    };
    std::vector<List> lists;

    double per_second(std::uint64_t count) const { return static_cast<double>(count) / seconds; }
    /// Of all, at most 1.
    double share(std::uint64_t count) const;
};

/// `list`: one of them, or "" for all; `most` rows of each. Needs Routing::top.
TopReport top_report(const Instance& instance, std::string_view list, std::size_t most);

std::string top_json(const TopReport& report);

/// Sums by what was counted.
using TopSums = std::map<std::string, std::uint64_t, std::less<>>;
TopSums top_sums(const Top& top, TopTable table);

/// A cluster's zone and what is in it.
struct TopZone {
    zones::Name name;
    std::shared_ptr<const zones::Snapshot> snapshot;
};
/// The name that a resolver was asked for, if `denied` is what it has tried before, with a suffix
/// of a pod's search list: `example.com.` of example.com.<namespace>.svc.<zone>,
/// example.com.svc.<zone> or example.com.<zone>. Wire names. `denials`: all that do not exist.
std::optional<std::string> searched_name(std::string_view denied, const std::vector<TopZone>& zones,
                                         const TopSums& denials);

}  // namespace server
