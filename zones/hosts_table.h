// Names and addresses as hosts(5) lists them.
// Knows the text form (a line: an address, then names; # begins a comment) and the look-up by name
// and by address; knows no files. Immutable once made; any thread may read it. A look-up is one
// hash (two for a name that may be under a wildcard), or a binary search among the addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zones/address.h"
#include "zones/hash.h"
#include "zones/name.h"
#include "zones/service_records.h"
#include "zones/zone_table.h"

namespace zones {

class HostsTable {
  public:
    struct Options {
        const ZoneTable& zones;  // names in none of them are left out
        bool reverse = true;     // keep what names_of() needs
        HashKey key;
    };

    HostsTable() = default;

    /// One text after the other. A line that does not begin with an address, or a name that is
    /// none, is passed over; a zone index (%eth0) is cut off. Less than 2 GiB in all.
    HostsTable(std::initializer_list<std::string_view> texts, const Options& options);

    /// The addresses of `name`, each once, in the order of the text; of `*` in place of its first
    /// label if it is not there itself. nullopt if there is no such name. Borrows the table.
    std::optional<AddressSet> find(const LoweredName& name) const;

    /// What has that address, each name once, in the order of the text; a wildcard is no name of a
    /// host. For name(). Borrows the table.
    std::span<const std::uint32_t> names_of(const Address& address) const;

    /// In lower case.
    NameView name(std::uint32_t index) const;

    /// Names with an address, and addresses with a name; as CoreDNS counts entries.
    std::size_t size() const {
        return v4_.size() + v6_.size() + reverse4_.names.size() + reverse6_.names.size();
    }

    /// Octets on the heap.
    std::size_t memory() const;

  private:
    class Loader;
    struct Entry {
        std::uint32_t name_at = 0;  // in names_; each part ends where the next entry's begins
        std::uint32_t v4_at = 0;
        std::uint32_t v6_at = 0;
    };
    template <typename Ip>
    struct Reverse {
        std::vector<Ip> addresses;         // sorted
        std::vector<std::uint32_t> names;  // of the address at the same place
        std::span<const std::uint32_t> find(const Ip& address) const;
    };

    std::size_t slot_of(NameView lowered) const;
    std::optional<AddressSet> find(NameView lowered) const;

    HashKey key_;
    std::string names_;                 // in wire form, lower case
    std::vector<Entry> entries_;        // and one more for where the last one's parts end
    std::vector<std::uint32_t> slots_;  // open addressing: 1 + index of an entry; 0: free
    std::vector<Ipv4> v4_;
    std::vector<Ipv6> v6_;
    Reverse<Ipv4> reverse4_;
    Reverse<Ipv6> reverse6_;
    bool has_wildcards_ = false;
};

}  // namespace zones
