// What is to be explained, read and checked; and the names that a pod's resolver makes of it.
// Knows the search list that the kubelet writes into a pod's resolv.conf
// (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services)
// and how resolvers use one. Free functions and values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "server/explanation.h"
#include "zones/address.h"
#include "zones/name.h"

namespace server {

struct ExplainQuestion {
    zones::Name name;
    bool absolute = false;  // with a final dot, or an address: no search list
    std::uint16_t qtype = 0;
    std::optional<std::uint16_t> port;  // of NAME:PORT: where the client would connect to
    std::optional<zones::Address> from;
    std::string ns;  // empty: not given
};

/// The error is one line for who asked.
tl::expected<ExplainQuestion, std::string> read_question(const ExplainRequest& request);

/// `NS.svc.ZONE svc.ZONE ZONE`
std::vector<zones::Name> search_list(const std::string& ns, const zones::Name& zone);

/// True of a relative name with as many dots as `ndots:5` says, or more.
bool tries_as_it_is_first(const ExplainQuestion& question);

/// In the order in which they are tried: resolv.conf(5) with `options ndots:5`.
std::vector<zones::Name> names_to_try(const ExplainQuestion& question,
                                      const std::vector<zones::Name>& search);

/// `text` without control characters (C0, DEL, C1), without what turns the direction of writing
/// (UAX #9 §2) and without octets that are no UTF-8, in one line of at most 500 octets: for texts
/// that others wrote.
std::string printable(std::string_view text);

}  // namespace server
