#include "zones/record_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>

namespace zones {
namespace {

/// The parts of ServiceRecords while they grow.
struct Parts {
    std::string text{'\0'};
    std::map<std::string, std::uint32_t, std::less<>> text_offsets;
    std::vector<Ipv4> v4;
    std::vector<Ipv6> v6;
    std::vector<PortRecord> service_ports, endpoint_ports;
    std::vector<PortSet> port_sets;
    std::vector<EndpointRecord> endpoints;
    std::vector<std::uint32_t> labelled_by_address;
    std::uint32_t labelled = 0;

    std::uint32_t intern(std::string_view label) {
        if (label.empty()) {
            return 0;
        }
        const auto known = text_offsets.find(label);
        if (known != text_offsets.end()) {
            return known->second;
        }
        const auto at = static_cast<std::uint32_t>(text.size());
        text += static_cast<char>(label.size());
        text += label;
        text_offsets.emplace(label, at);
        return at;
    }
};

bool counts(const PackedService& service, const PackedEndpoint& endpoint) {
    return endpoint.ready || service.publish_not_ready_addresses;
}

template <typename Ip>
Ip address_of(const PackedEndpoint& endpoint) {
    Ip ip;
    std::copy_n(endpoint.octets.begin(), ip.octets.size(), ip.octets.begin());
    return ip;
}

std::vector<PortRecord> to_records(const std::vector<PackedPort>& ports, Parts& parts) {
    std::vector<PortRecord> records;
    records.reserve(ports.size());
    for (const PackedPort& port : ports) {
        records.push_back({parts.intern(port.name), port.number, port.protocol});
    }
    return records;
}

/// The index of the set with exactly these ports; most Services have one.
std::uint32_t port_set_of(const std::vector<PackedPort>& ports, Parts& parts) {
    const auto records = to_records(ports, parts);
    const auto same = [](const PortRecord& a, const PortRecord& b) {
        return a.name_at == b.name_at && a.number == b.number && a.protocol == b.protocol;
    };
    for (std::uint32_t i = 0; i < parts.port_sets.size(); ++i) {
        const auto first = parts.endpoint_ports.begin() + parts.port_sets[i].first;
        if (std::equal(first, first + parts.port_sets[i].count, records.begin(), records.end(),
                       same)) {
            return i;
        }
    }
    parts.port_sets.push_back({static_cast<std::uint32_t>(parts.endpoint_ports.size()),
                               static_cast<std::uint32_t>(records.size())});
    parts.endpoint_ports.insert(parts.endpoint_ports.end(), records.begin(), records.end());
    return static_cast<std::uint32_t>(parts.port_sets.size() - 1);
}

void collect_addresses(const PackedService& service, std::span<const PackedSubset* const> subsets,
                       Parts& parts) {
    for (const PackedSubset* subset : subsets) {
        for (const PackedEndpoint& endpoint : subset->endpoints) {
            if (!counts(service, endpoint)) {
                continue;
            }
            if (endpoint.v6) {
                parts.v6.push_back(address_of<Ipv6>(endpoint));
            } else {
                parts.v4.push_back(address_of<Ipv4>(endpoint));
            }
        }
    }
    sort_unique(parts.v4);
    sort_unique(parts.v6);
}

std::uint32_t index_of(const PackedEndpoint& endpoint, const Parts& parts) {
    if (endpoint.v6) {
        const auto at =
            std::lower_bound(parts.v6.begin(), parts.v6.end(), address_of<Ipv6>(endpoint));
        return static_cast<std::uint32_t>(parts.v4.size() +
                                          static_cast<std::size_t>(at - parts.v6.begin()));
    }
    const auto at = std::lower_bound(parts.v4.begin(), parts.v4.end(), address_of<Ipv4>(endpoint));
    return static_cast<std::uint32_t>(at - parts.v4.begin());
}

bool has(const Parts& parts, const PackedEndpoint& endpoint) {
    return endpoint.v6
               ? std::binary_search(parts.v6.begin(), parts.v6.end(), address_of<Ipv6>(endpoint))
               : std::binary_search(parts.v4.begin(), parts.v4.end(), address_of<Ipv4>(endpoint));
}

void collect_endpoints(const PackedService& service, std::span<const PackedSubset* const> subsets,
                       Parts& parts) {
    for (const PackedSubset* subset : subsets) {
        // A port that only uncounted endpoints have is no port of the Service.
        std::optional<std::uint32_t> port_set;
        for (const PackedEndpoint& endpoint : subset->endpoints) {
            if (!counts(service, endpoint)) {
                continue;
            }
            port_set = port_set ? port_set : port_set_of(subset->ports, parts);
            std::string_view label;
            if (endpoint.label_at != 0) {
                const auto length = static_cast<std::uint8_t>(subset->labels[endpoint.label_at]);
                label = std::string_view(subset->labels).substr(endpoint.label_at + 1, length);
            }
            parts.endpoints.push_back({index_of(endpoint, parts), parts.intern(label), *port_set});
        }
    }
}

/// Of one family: a pod of two stands in a slice of each. Each address once, as those that count.
std::uint32_t count_uncounted(const PackedService& service,
                              std::span<const PackedSubset* const> subsets, const Parts& parts) {
    std::array<std::vector<std::array<std::uint8_t, 16>>, 2> found;
    for (const PackedSubset* subset : subsets) {
        for (const PackedEndpoint& endpoint : subset->endpoints) {
            if (!counts(service, endpoint) && !has(parts, endpoint)) {
                found[endpoint.v6 ? 1 : 0].push_back(endpoint.octets);
            }
        }
    }
    std::ranges::for_each(found, [](auto& addresses) { sort_unique(addresses); });
    return static_cast<std::uint32_t>(std::max(found[0].size(), found[1].size()));
}

/// A label may be chosen that another endpoint gets from its address: then both have the chosen
/// one, so that endpoints of one label always stand together.
void join_address_labels(Parts& parts) {
    std::map<std::uint32_t, std::uint32_t> chosen;  // address index -> label
    for (const auto& [label, at] : parts.text_offsets) {
        const auto address = parse_address_label(label);
        if (!address || address_label(to_string(*address)) != label) {
            continue;
        }
        PackedEndpoint wanted;
        wanted.v6 = std::holds_alternative<Ipv6>(*address);
        std::visit([&](const auto& a) { std::ranges::copy(a.octets, wanted.octets.begin()); },
                   *address);
        if (has(parts, wanted)) {
            chosen.emplace(index_of(wanted, parts), at);
        }
    }
    for (EndpointRecord& endpoint : parts.endpoints) {
        const auto label = chosen.find(endpoint.address);
        if (endpoint.label_at == 0 && label != chosen.end()) {
            endpoint.label_at = label->second;
        }
    }
}

/// Labelled ones first, by label; then the others, by address; each once.
void sort_endpoints(Parts& parts) {
    const auto label = [&](const EndpointRecord& e) {
        const auto length = static_cast<std::uint8_t>(parts.text[e.label_at]);
        return std::string_view(parts.text).substr(e.label_at + 1, length);
    };
    const auto less = [&](const EndpointRecord& a, const EndpointRecord& b) {
        if ((a.label_at == 0) != (b.label_at == 0)) {
            return b.label_at == 0;
        }
        if (a.label_at != b.label_at) {
            return label(a) < label(b);
        }
        return a.address != b.address ? a.address < b.address : a.port_set < b.port_set;
    };
    const auto same = [](const EndpointRecord& a, const EndpointRecord& b) {
        return a.label_at == b.label_at && a.address == b.address && a.port_set == b.port_set;
    };
    auto& all = parts.endpoints;
    std::sort(all.begin(), all.end(), less);
    all.erase(std::unique(all.begin(), all.end(), same), all.end());
    parts.labelled = static_cast<std::uint32_t>(
        std::find_if(all.begin(), all.end(), [](const auto& e) { return e.label_at == 0; }) -
        all.begin());
    parts.labelled_by_address.resize(parts.labelled);
    for (std::uint32_t i = 0; i < parts.labelled; ++i) {
        parts.labelled_by_address[i] = i;
    }
    std::stable_sort(
        parts.labelled_by_address.begin(), parts.labelled_by_address.end(),
        [&](std::uint32_t a, std::uint32_t b) { return all[a].address < all[b].address; });
}

/// Hands out parts of one block; every array starts aligned for its type.
class Block {
  public:
    template <typename T>
    void reserve(const T& values) {
        size_ = align(size_) + values.size() * sizeof(*values.data());
    }

    void allocate() {
        bytes_ = std::make_unique<std::byte[]>(std::max<std::size_t>(align(size_), 1));
    }

    template <typename T>
    std::span<const T> place(const T* values, std::size_t count) {
        at_ = align(at_);
        auto* to = reinterpret_cast<T*>(bytes_.get() + at_);
        if (count > 0) {
            std::memcpy(static_cast<void*>(to), values, count * sizeof(T));
        }
        at_ += count * sizeof(T);
        return {to, count};
    }
    template <typename T>
    std::span<const T> place(const std::vector<T>& values) {
        return place(values.data(), values.size());
    }
    std::string_view place(std::string_view text) {
        const auto placed = place(text.data(), text.size());
        return {placed.data(), placed.size()};
    }

    std::unique_ptr<std::byte[]> release() { return std::move(bytes_); }
    std::size_t size() const { return size_; }

  private:
    static std::size_t align(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_ = 0;
    std::size_t at_ = 0;
};

}  // namespace

std::shared_ptr<ServiceRecords> build_records(std::string_view key, const PackedService& service,
                                              std::span<const PackedSubset* const> subsets) {
    auto records = std::make_shared<ServiceRecords>();
    records->kind = service.kind;
    Parts parts;
    parts.service_ports = to_records(service.ports, parts);
    if (service.kind != ServiceRecords::Kind::ExternalName) {
        collect_addresses(service, subsets, parts);
        collect_endpoints(service, subsets, parts);
        join_address_labels(parts);
        sort_endpoints(parts);
    }
    const NameView target =
        service.kind == ServiceRecords::Kind::ExternalName ? service.target.wire() : NameView{};
    Block block;
    block.reserve(service.v4);
    block.reserve(service.v6);
    block.reserve(key);
    block.reserve(target);
    block.reserve(parts.text);
    block.reserve(parts.v4);
    block.reserve(parts.v6);
    block.reserve(parts.service_ports);
    block.reserve(parts.endpoint_ports);
    block.reserve(parts.port_sets);
    block.reserve(parts.endpoints);
    block.reserve(parts.labelled_by_address);
    block.allocate();
    records->cluster_ips.v4 = block.place(service.v4);
    records->cluster_ips.v6 = block.place(service.v6);
    records->key = block.place(key);
    records->target = block.place(target);
    records->text = block.place(std::string_view(parts.text));
    records->endpoint_addresses.v4 = block.place(parts.v4);
    records->endpoint_addresses.v6 = block.place(parts.v6);
    records->service_ports = block.place(parts.service_ports);
    records->endpoint_ports = block.place(parts.endpoint_ports);
    records->port_sets = block.place(parts.port_sets);
    records->endpoints = block.place(parts.endpoints);
    records->labelled = parts.labelled;
    records->uncounted = count_uncounted(service, subsets, parts);
    records->labelled_by_address = block.place(parts.labelled_by_address);
    records->block_size = block.size();
    records->block = block.release();
    return records;
}

}  // namespace zones
