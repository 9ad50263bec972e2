#include "zones/service_records.h"

#include <algorithm>
#include <cstring>

namespace zones {
namespace {

template <typename T>
std::optional<std::size_t> position_of(std::span<const T> sorted, const T& value) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), value);
    if (at == sorted.end() || *at != value) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(at - sorted.begin());
}

}  // namespace

std::string_view to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::Udp:
            return "udp";
        case Protocol::Sctp:
            return "sctp";
        default:
            return "tcp";
    }
}

std::string_view ServiceRecords::service_label() const {
    return key.substr(1, static_cast<std::uint8_t>(key[0]));
}

std::string_view ServiceRecords::namespace_label() const {
    return key.substr(2U + static_cast<std::uint8_t>(key[0]));
}

bool ServiceRecords::matches(const PortRecord& port, const PortFilter& filter) const {
    if (!filter.protocol.empty() && filter.protocol != to_string(port.protocol)) {
        return false;
    }
    // An unnamed port matches no name (k8s-dns 2.3.2: SRV needs a named port).
    return filter.port.empty() || (port.name_at != 0 && filter.port == text_at(port.name_at));
}

Address ServiceRecords::address_of(const EndpointRecord& endpoint) const {
    if (is_v4(endpoint)) {
        return endpoint_addresses.v4[endpoint.address];
    }
    return endpoint_addresses.v6[endpoint.address - endpoint_addresses.v4.size()];
}

ServiceRecords::Found ServiceRecords::find_label(std::string_view label) const {
    Found found;
    const auto named = endpoints.first(labelled);
    const auto less = [this](const EndpointRecord& e, std::string_view l) {
        return text_at(e.label_at) < l;
    };
    const auto first = std::lower_bound(named.begin(), named.end(), label, less);
    auto last = first;
    while (last != named.end() && text_at(last->label_at) == label) {
        ++last;
    }
    found.named = named.subspan(static_cast<std::size_t>(first - named.begin()),
                                static_cast<std::size_t>(last - first));
    const auto address = parse_address_label(label);
    const auto index = address ? index_of(*address) : std::nullopt;
    if (index) {
        const auto unlabelled = unlabelled_at(*index);
        LabelBuffer made;
        if (!unlabelled.empty()) {
            write_label(*this, unlabelled.front(), made);
            if (made.label() == label) {  // "10-0-0-01" or "fd00-0--1" are not how it is written
                found.by_address = unlabelled;
            }
        }
    }
    return found;
}

std::span<const EndpointRecord> ServiceRecords::unlabelled_at(std::uint32_t index) const {
    const auto rest = endpoints.subspan(labelled);
    const auto first =
        std::lower_bound(rest.begin(), rest.end(), index,
                         [](const EndpointRecord& e, std::uint32_t i) { return e.address < i; });
    auto last = first;
    while (last != rest.end() && last->address == index) {
        ++last;
    }
    return rest.subspan(static_cast<std::size_t>(first - rest.begin()),
                        static_cast<std::size_t>(last - first));
}

std::optional<std::uint32_t> ServiceRecords::index_of(const Address& address) const {
    std::optional<std::size_t> at;
    if (const auto* v4 = std::get_if<Ipv4>(&address)) {
        at = position_of(endpoint_addresses.v4, *v4);
    } else {
        at = position_of(endpoint_addresses.v6, std::get<Ipv6>(address));
        at = at ? std::optional(*at + endpoint_addresses.v4.size()) : at;
    }
    return at ? std::optional(static_cast<std::uint32_t>(*at)) : std::nullopt;
}

std::span<const std::uint32_t> ServiceRecords::labelled_at(std::uint32_t index) const {
    const auto first = std::lower_bound(
        labelled_by_address.begin(), labelled_by_address.end(), index,
        [this](std::uint32_t e, std::uint32_t i) { return endpoints[e].address < i; });
    auto last = first;
    while (last != labelled_by_address.end() && endpoints[*last].address == index) {
        ++last;
    }
    return labelled_by_address.subspan(
        static_cast<std::size_t>(first - labelled_by_address.begin()),
        static_cast<std::size_t>(last - first));
}

bool ServiceRecords::has_cluster_ip(const Address& address) const {
    if (const auto* v4 = std::get_if<Ipv4>(&address)) {
        return position_of(cluster_ips.v4, *v4).has_value();
    }
    return position_of(cluster_ips.v6, std::get<Ipv6>(address)).has_value();
}

void LabelBuffer::assign(std::string_view label) {
    const std::size_t length = std::min(label.size(), kMaxLabelLength);
    octets_[0] = static_cast<char>(length);
    std::memcpy(octets_ + 1, label.data(), length);
    size_ = static_cast<std::uint8_t>(length + 1);
}

void write_label(const ServiceRecords& service, const EndpointRecord& endpoint, LabelBuffer& out) {
    if (endpoint.label_at != 0) {
        out.assign(service.text_at(endpoint.label_at));
        return;
    }
    char text[kMaxAddressText];
    std::size_t length = std::visit([&](const auto& a) { return write_text(a, text); },
                                    service.address_of(endpoint));
    for (std::size_t i = 0; i < length; ++i) {
        text[i] = text[i] == '.' || text[i] == ':' ? '-' : text[i];
    }
    if (text[length - 1] == '-') {
        text[length++] = '0';
    }
    out.assign({text, length});
}

}  // namespace zones
