// The answer section, and its additional section, of names that Services, endpoints and pods have.
// Knows A, AAAA and SRV; returns false where the name has no record of the type. Free functions
// over immutable records; called by ClusterZone, answer_addresses() by whoever has addresses.
#pragma once

#include "zones/cluster_zone.h"

namespace zones {

/// At <service>.<ns>.svc and _port._proto in front of it.
bool answer_service(const AskedName& asked, const Located& located, const AnswerStyle& style,
                    std::uint32_t ttl, MessageWriter& out);

/// At <endpoint>.<service>.<ns>.svc.
bool answer_endpoint(const AskedName& asked, const Located& located, const AnswerStyle& style,
                     std::uint32_t ttl, MessageWriter& out);

/// At <address>.<ns>.pod.
bool answer_pod(const AskedName& asked, const Located& located, const AnswerStyle& style,
                std::uint32_t ttl, MessageWriter& out);

/// All of `addresses` of the type asked, as an rrset of `owner` in the answer section.
bool answer_addresses(const JoinedName& owner, const AddressSet& addresses,
                      const AnswerStyle& style, std::uint32_t ttl, MessageWriter& out);

/// The part of a placed name that starts `octets` into it.
PlacedName suffix_at(const AskedName& asked, std::size_t label);

}  // namespace zones
