// What the Kubernetes API takes as a name, a label or an address.
// Each *_fault function says why a text is not one, as the end of the sentence "... is <fault>", or
// returns an empty view where the text is fine. Free of state and threads; nothing is allocated.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace k8s_client {

/// RFC 1123 label in lower case, at most 63 characters.
std::string_view dns_label_fault(std::string_view text);

/// Labels joined by dots, at most 253 characters.
std::string_view dns_subdomain_fault(std::string_view text);

/// A name outside the cluster: letters of either case, digits, `-` and `_`; labels of 1 to 63, at
/// most 253 in all, with or without the final dot.
std::string_view external_name_fault(std::string_view text);

/// Name of a port: letters of either case, digits and `-`, at most 63; may be empty.
std::string_view port_name_fault(std::string_view text);

/// Key of a label: an optional DNS subdomain and `/`, then a name of at most 63.
std::string_view label_key_fault(std::string_view text);
std::string_view label_value_fault(std::string_view text);

enum class IpFamily : std::uint8_t { V4, V6 };

/// The family of an address as text; nullopt if it is not an address. No zone, no leading zeros.
std::optional<IpFamily> ip_family(std::string_view text);

}  // namespace k8s_client
