#include "zones/hosts_table.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace zones {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::string_view kWildcard("\1*", 2);
constexpr std::size_t kFirstSlots = 16;

/// The first word, taken off `text`; empty if there is none.
std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    const auto word = text.substr(0, text.find_first_of(kBlanks));
    text.remove_prefix(word.size());
    return word;
}

/// Moves the first of equal values to the front, in their order; returns how many they are. An
/// rrset has no record twice (RFC 2181 §5).
template <typename T>
std::size_t keep_first(std::span<T> values) {
    if (values.size() < 2) {
        return values.size();
    }
    std::vector<std::pair<T, std::size_t>> firsts;
    for (std::size_t i = 0; i < values.size(); ++i) {
        firsts.emplace_back(values[i], i);
    }
    std::sort(firsts.begin(), firsts.end());
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    firsts.erase(std::unique(firsts.begin(), firsts.end(), same), firsts.end());
    std::sort(firsts.begin(), firsts.end(),
              [](const auto& a, const auto& b) { return a.second < b.second; });
    for (std::size_t i = 0; i < firsts.size(); ++i) {
        values[i] = firsts[i].first;
    }
    return firsts.size();
}

template <typename T>
std::size_t octets_of(const std::vector<T>& values) {
    return values.capacity() * sizeof(T);
}

}  // namespace

/// Fills a table: first the pairs of name and address as the lines have them, then in its order.
class HostsTable::Loader {
  public:
    Loader(HostsTable& table, const Options& options) : table_(table), options_(options) {
        table_.key_ = options.key;
        table_.entries_.emplace_back();
        table_.slots_.resize(kFirstSlots);
    }

    void read(std::string_view text) {
        while (!text.empty()) {
            const auto line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(line.size() + 1, text.size()));
            read_line(line.substr(0, line.find('#')));
        }
    }

    void finish() {
        sort_by_name(pairs4_, table_.v4_, &Entry::v4_at);
        sort_by_name(pairs6_, table_.v6_, &Entry::v6_at);
        if (options_.reverse) {
            sort_by_address(pairs4_, table_.reverse4_);
            sort_by_address(pairs6_, table_.reverse6_);
        }
        table_.names_.shrink_to_fit();
        table_.entries_.shrink_to_fit();
    }

  private:
    template <typename Ip>
    struct Pair {
        std::uint32_t name = 0;
        Ip address;
    };
    template <typename Ip>
    using Pairs = std::vector<Pair<Ip>>;

    void read_line(std::string_view line) {
        const auto first = take_word(line);
        const auto address = parse_address(first.substr(0, first.find('%')));
        if (!address) {
            return;
        }
        for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
            const auto index = index_of(word);
            if (!index) {
                continue;
            }
            if (const auto* v4 = std::get_if<Ipv4>(&*address)) {
                pairs4_.push_back({*index, *v4});
            } else {
                pairs6_.push_back({*index, std::get<Ipv6>(*address)});
            }
        }
    }

    std::optional<std::uint32_t> index_of(std::string_view text) {
        const auto name = Name::parse(text);
        if (!name) {
            return std::nullopt;
        }
        lowered_.assign(name->wire());
        const std::size_t slot = table_.slot_of(lowered_.wire());
        if (table_.slots_[slot] != 0) {
            return table_.slots_[slot] - 1;
        }
        if (!options_.zones.find(lowered_)) {
            return std::nullopt;
        }
        const auto index = static_cast<std::uint32_t>(table_.entries_.size() - 1);
        table_.names_ += lowered_.wire();
        table_.entries_.push_back({static_cast<std::uint32_t>(table_.names_.size()), 0, 0});
        table_.slots_[slot] = index + 1;
        table_.has_wildcards_ = table_.has_wildcards_ || is_wildcard(index);
        if (table_.entries_.size() * 2 > table_.slots_.size()) {
            grow();
        }
        return index;
    }

    void grow() {
        table_.slots_.assign(table_.slots_.size() * 2, 0);
        for (std::uint32_t i = 0; i + 1 < table_.entries_.size(); ++i) {
            table_.slots_[table_.slot_of(table_.name(i))] = i + 1;
        }
    }

    bool is_wildcard(std::uint32_t index) const {
        return table_.name(index).starts_with(kWildcard);
    }

    /// A counting sort, which keeps the order of the lines.
    template <typename Ip>
    void sort_by_name(const Pairs<Ip>& pairs, std::vector<Ip>& addresses,
                      std::uint32_t Entry::*at) {
        auto& entries = table_.entries_;
        for (const auto& pair : pairs) {
            ++(entries[pair.name + 1].*at);
        }
        std::vector<std::uint32_t> next;
        for (std::size_t i = 0; i < entries.size(); ++i) {
            entries[i].*at += i == 0 ? 0 : entries[i - 1].*at;
            next.push_back(entries[i].*at);
        }
        addresses.resize(pairs.size());
        for (const auto& pair : pairs) {
            addresses[next[pair.name]++] = pair.address;
        }
        std::uint32_t kept = 0;
        for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
            const std::uint32_t begin = std::exchange(entries[i].*at, kept);
            const auto group = std::span(addresses).subspan(begin, entries[i + 1].*at - begin);
            const auto count = static_cast<std::uint32_t>(keep_first(group));
            std::copy_n(group.begin(), count, addresses.begin() + kept);
            kept += count;
        }
        entries.back().*at = kept;
        addresses.resize(kept);
        addresses.shrink_to_fit();
    }

    template <typename Ip>
    void sort_by_address(Pairs<Ip>& pairs, Reverse<Ip>& reverse) {
        std::erase_if(pairs, [this](const auto& pair) { return is_wildcard(pair.name); });
        std::stable_sort(pairs.begin(), pairs.end(),
                         [](const auto& a, const auto& b) { return a.address < b.address; });
        std::vector<std::uint32_t> names;
        for (auto first = pairs.begin(); first != pairs.end();) {
            names.clear();
            auto last = first;
            for (; last != pairs.end() && last->address == first->address; ++last) {
                names.push_back(last->name);
            }
            names.resize(keep_first(std::span(names)));
            reverse.addresses.insert(reverse.addresses.end(), names.size(), first->address);
            reverse.names.insert(reverse.names.end(), names.begin(), names.end());
            first = last;
        }
        reverse.addresses.shrink_to_fit();
        reverse.names.shrink_to_fit();
    }

    HostsTable& table_;
    const Options& options_;
    LoweredName lowered_;
    Pairs<Ipv4> pairs4_;
    Pairs<Ipv6> pairs6_;
};

HostsTable::HostsTable(std::initializer_list<std::string_view> texts, const Options& options) {
    Loader loader(*this, options);
    for (const std::string_view text : texts) {
        loader.read(text);
    }
    loader.finish();
}

NameView HostsTable::name(std::uint32_t index) const {
    const std::uint32_t at = entries_[index].name_at;
    return NameView(names_).substr(at, entries_[index + 1].name_at - at);
}

/// Where the name is, or would be put.
std::size_t HostsTable::slot_of(NameView lowered) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = keyed_hash(key_, lowered) & mask;
    while (slots_[slot] != 0 && name(slots_[slot] - 1) != lowered) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

std::optional<AddressSet> HostsTable::find(NameView lowered) const {
    const std::uint32_t found = slots_[slot_of(lowered)];
    if (found == 0) {
        return std::nullopt;
    }
    const Entry& entry = entries_[found - 1];
    const Entry& next = entries_[found];
    return AddressSet{std::span(v4_).subspan(entry.v4_at, next.v4_at - entry.v4_at),
                      std::span(v6_).subspan(entry.v6_at, next.v6_at - entry.v6_at)};
}

std::optional<AddressSet> HostsTable::find(const LoweredName& name) const {
    if (slots_.empty()) {
        return std::nullopt;
    }
    const auto exact = find(name.wire());
    if (exact || !has_wildcards_ || name.labels == 0) {
        return exact;
    }
    // A label has at least one octet: what stands in its place is not longer.
    char wildcard[kMaxNameLength];
    const NameView parent = name.suffix(1);
    std::memcpy(wildcard, kWildcard.data(), kWildcard.size());
    std::memcpy(wildcard + kWildcard.size(), parent.data(), parent.size());
    return find(NameView(wildcard, kWildcard.size() + parent.size()));
}

template <typename Ip>
std::span<const std::uint32_t> HostsTable::Reverse<Ip>::find(const Ip& address) const {
    const auto [first, last] = std::equal_range(addresses.begin(), addresses.end(), address);
    return std::span(names).subspan(static_cast<std::size_t>(first - addresses.begin()),
                                    static_cast<std::size_t>(last - first));
}

std::span<const std::uint32_t> HostsTable::names_of(const Address& address) const {
    const auto* v4 = std::get_if<Ipv4>(&address);
    return v4 != nullptr ? reverse4_.find(*v4) : reverse6_.find(std::get<Ipv6>(address));
}

std::size_t HostsTable::memory() const {
    return names_.capacity() + octets_of(entries_) + octets_of(slots_) + octets_of(v4_) +
           octets_of(v6_) + octets_of(reverse4_.addresses) + octets_of(reverse4_.names) +
           octets_of(reverse6_.addresses) + octets_of(reverse6_.names);
}

}  // namespace zones
