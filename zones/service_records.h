// What one Service answers, as compact values.
// Knows addresses, ports, endpoint labels and the CNAME target; holds no text of names but labels
// that objects chose themselves. Immutable once built (record_builder.h); shared by all workers
// through the snapshot. All arrays lie in one block of memory that this object owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "zones/address.h"
#include "zones/name.h"

namespace zones {

enum class Protocol : std::uint8_t { Tcp, Udp, Sctp };

struct PortRecord {
    std::uint32_t name_at = 0;  // in `text`, a length octet and the name; 0: unnamed
    std::uint16_t number = 0;
    Protocol protocol = Protocol::Tcp;
};

/// Sorted ascending, without duplicates.
struct AddressSet {
    std::span<const Ipv4> v4;
    std::span<const Ipv6> v6;
    bool empty() const { return v4.empty() && v6.empty(); }
    std::size_t size() const { return v4.size() + v6.size(); }
};

/// One address of one endpoint: index into the AddressSet `endpoint_addresses`, v4 first.
struct EndpointRecord {
    std::uint32_t address = 0;
    std::uint32_t label_at = 0;  // in `text`; 0: the label is made from the address
    std::uint32_t port_set = 0;
};

/// A run in `ports` that endpoints share.
struct PortSet {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

/// `_port._proto` as asked, without underscores, lower case; an empty part matches everything.
struct PortFilter {
    std::string_view port;
    std::string_view protocol;

    static PortFilter of(std::string_view port_label, std::string_view protocol_label) {
        const auto bare = [](std::string_view label) {
            return label.starts_with('_') ? label.substr(1) : label;
        };
        return {bare(port_label), bare(protocol_label)};
    }
    bool any() const { return port.empty() && protocol.empty(); }
};

struct ServiceRecords {
    enum class Kind : std::uint8_t {
        ClusterIp,  // of any type that has cluster IPs
        Headless,
        ExternalName,
        Nothing,  // answers no name: an ExternalName that is an address, or no cluster IP yet
    };

    // First what a query for the Service's own name reads: one cache line.
    Kind kind = Kind::Nothing;
    bool visible = false;  // its namespace is exposed and it is not ignored as empty

    std::string_view key;  // wire labels <service><namespace>, lower case, no root label
    AddressSet cluster_ips;
    std::uint64_t hash = 0;   // of `key`
    std::string_view target;  // wire name, of an ExternalName
    std::string_view text;    // length-prefixed labels; offset 0 is unused
    AddressSet endpoint_addresses;
    std::span<const PortRecord> service_ports;
    std::span<const PortRecord> endpoint_ports;
    std::span<const PortSet> port_sets;
    /// Those with a label of their own first, by label; then the others, by address.
    std::span<const EndpointRecord> endpoints;
    std::uint32_t labelled = 0;                          // how many have a label of their own
    std::uint32_t uncounted = 0;                         // endpoints that are there, but not ready
    std::span<const std::uint32_t> labelled_by_address;  // indices into `endpoints`

    std::unique_ptr<std::byte[]> block;
    std::size_t block_size = 0;

    /// The rrset of the Service's own name.
    const AddressSet& addresses() const {
        return kind == Kind::Headless ? endpoint_addresses : cluster_ips;
    }
    std::string_view service_label() const;
    std::string_view namespace_label() const;

    std::string_view text_at(std::size_t at) const {
        return text.substr(at + 1, static_cast<std::uint8_t>(text[at]));
    }
    bool matches(const PortRecord& port, const PortFilter& filter) const;
    std::span<const PortRecord> ports_of(const EndpointRecord& endpoint) const {
        const PortSet& set = port_sets[endpoint.port_set];
        return endpoint_ports.subspan(set.first, set.count);
    }

    bool is_v4(const EndpointRecord& endpoint) const {
        return endpoint.address < endpoint_addresses.v4.size();
    }
    Address address_of(const EndpointRecord& endpoint) const;

    /// Endpoints whose label is `label` (lower case). The explicit ones are a run; at most one
    /// more is named after its address.
    struct Found {
        std::span<const EndpointRecord> named;
        std::span<const EndpointRecord> by_address;
        bool empty() const { return named.empty() && by_address.empty(); }
    };
    Found find_label(std::string_view label) const;

    /// The endpoints named after the address `index` of `endpoint_addresses`.
    std::span<const EndpointRecord> unlabelled_at(std::uint32_t index) const;

    /// The index of `address` in `endpoint_addresses`, in the numbering of EndpointRecord.
    std::optional<std::uint32_t> index_of(const Address& address) const;

    /// The indices of the endpoints with a label of their own at that address.
    std::span<const std::uint32_t> labelled_at(std::uint32_t index) const;

    bool has_cluster_ip(const Address& address) const;
};

/// A label as wire octets: its length, then itself. On the stack, for names made at answer time.
class LabelBuffer {
  public:
    void assign(std::string_view label);
    std::string_view wire() const { return {octets_, size_}; }
    std::string_view label() const { return {octets_ + 1, size_ - 1U}; }

  private:
    char octets_[1 + kMaxLabelLength];
    std::uint8_t size_ = 0;
};

/// The label of an endpoint, its own or made from its address.
void write_label(const ServiceRecords& service, const EndpointRecord& endpoint, LabelBuffer& out);

/// "tcp", "udp", "sctp".
std::string_view to_string(Protocol protocol);

}  // namespace zones
