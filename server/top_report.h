// Who asks what, as lists for people and programs: `/api/top`.
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

/// `list`: one of them, or "" for all; `most` entries of each. Needs Routing::top.
std::string top_json(const Instance& instance, std::string_view list, std::size_t most);

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
