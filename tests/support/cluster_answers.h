// Asks a cluster zone as the server does, from a query's octets to a reply's, without a socket.
// Every reply is held against ldns before a test sees it. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/dns_judge.h"
#include "zones/cluster_zone.h"

namespace support {

struct Ask {
    std::string qname;
    std::uint16_t qtype = 1;
    bool tcp = true;
    std::optional<std::uint16_t> edns_size{};
    bool dnssec_ok = false;
    bool rotate = false;
    std::uint32_t random = 0;
    bool why = false;  // wants to be told, and has EDNS
};

struct Reply {
    zones::ClusterZone::Outcome outcome{};
    std::string target;  // of the last CNAME, with Outcome::NextName
    Judged message;
    std::size_t size = 0;
};

/// To who sends EDNS it is checked that the words about why cost no record and no flag.
Reply ask(const zones::ClusterZone& zone, const zones::Snapshot& snapshot, const Ask& question);

/// "A" to 1; 0 if there is no such type. TYPE123 is understood.
std::uint16_t type_number(const std::string& name);

}  // namespace support
