#include "zones/zone_table.h"

#include <algorithm>

namespace zones {
namespace {

/// Any order will do; by size first, few octets are compared.
bool comes_before(NameView a, NameView b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

bool ZoneTable::add(const Name& zone, std::size_t value) {
    const std::size_t labels = zone.label_count();
    if (by_labels_.size() <= labels) {
        by_labels_.resize(labels + 1);
    }
    auto& entries = by_labels_[labels];
    const Entry entry{to_lower(zone.wire()), value};
    const auto at = std::lower_bound(
        entries.begin(), entries.end(), entry,
        [](const Entry& a, const Entry& b) { return comes_before(a.wire, b.wire); });
    if (at != entries.end() && at->wire == entry.wire) {
        return false;
    }
    entries.insert(at, entry);
    return true;
}

std::optional<ZoneTable::Match> ZoneTable::at_depth(const LoweredName& name,
                                                    std::size_t labels) const {
    const auto& entries = by_labels_[labels];
    if (entries.empty()) {
        return std::nullopt;
    }
    if (labels == 0) {
        return Match{entries.front().value, 0};
    }
    const NameView suffix = name.suffix(name.labels - labels);
    const auto at =
        std::lower_bound(entries.begin(), entries.end(), suffix,
                         [](const Entry& e, NameView s) { return comes_before(e.wire, s); });
    if (at == entries.end() || at->wire != suffix) {
        return std::nullopt;
    }
    return Match{at->value, labels};
}

std::optional<ZoneTable::Match> ZoneTable::find(const LoweredName& name) const {
    for (std::size_t labels = std::min(name.labels + 1, by_labels_.size()); labels-- > 0;) {
        if (const auto match = at_depth(name, labels)) {
            return match;
        }
    }
    return std::nullopt;
}

std::optional<ZoneTable::Match> ZoneTable::find_parent_side(const LoweredName& name) const {
    const std::size_t end = std::min(name.labels + 1, by_labels_.size());
    for (std::size_t labels = 1; labels < end; ++labels) {
        if (const auto match = at_depth(name, labels)) {
            return match;
        }
    }
    return end == 0 ? std::nullopt : at_depth(name, 0);
}

}  // namespace zones
