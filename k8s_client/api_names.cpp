#include "k8s_client/api_names.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>

namespace k8s_client {
namespace {

constexpr std::size_t kMaxLabel = 63;       // RFC 1035 §2.3.4, and the limit of a Kubernetes label
constexpr std::size_t kMaxSubdomain = 253;  // RFC 1035 §2.3.4 as text without the final dot

constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alphanumeric(char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/// Letters, digits and inner hyphens; of any length but none.
bool has_label_form(std::string_view text) {
    return !text.empty() && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

/// The rule of label values and of the name in a label key.
std::string_view label_text_fault(std::string_view text) {
    if (text.size() > kMaxLabel) {
        return "longer than 63 characters";
    }
    const bool chars = std::all_of(text.begin(), text.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
    });
    if (!chars || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) {
        return "not letters, digits, '-', '_' or '.', begun and ended by a letter or digit";
    }
    return {};
}

/// Applies `fault` to each part between dots.
template <typename Fault>
std::string_view first_label_fault(std::string_view text, Fault fault) {
    for (;;) {
        const std::size_t dot = text.find('.');
        if (const std::string_view found = fault(text.substr(0, dot)); !found.empty()) {
            return found;
        }
        if (dot == std::string_view::npos) {
            return {};
        }
        text.remove_prefix(dot + 1);
    }
}

std::string_view external_label_fault(std::string_view label) {
    if (label.empty()) {
        return "a name with an empty label";
    }
    if (label.size() > kMaxLabel) {
        return "a name with a label longer than 63 characters";
    }
    const bool chars = std::all_of(label.begin(), label.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_';
    });
    return chars ? std::string_view() : "not letters, digits, '-', '_' and '.'";
}

}  // namespace

std::string_view dns_label_fault(std::string_view text) {
    if (text.empty()) {
        return "empty";
    }
    if (text.size() > kMaxLabel) {
        return "longer than 63 characters";
    }
    return has_label_form(text) ? std::string_view()
                                : "not a DNS label (lower-case letters, digits, inner '-')";
}

std::string_view dns_subdomain_fault(std::string_view text) {
    if (text.empty()) {
        return "empty";
    }
    if (text.size() > kMaxSubdomain) {
        return "longer than 253 characters";
    }
    // As IsDNS1123Subdomain of apimachinery: only the whole has a limit, not each label.
    return first_label_fault(text, [](std::string_view label) -> std::string_view {
        return has_label_form(label)
                   ? std::string_view()
                   : "not a DNS subdomain (lower-case letters, digits, inner '-', dots)";
    });
}

std::string_view external_name_fault(std::string_view text) {
    if (text.ends_with('.')) {
        text.remove_suffix(1);
    }
    if (text.empty()) {
        return "empty";
    }
    if (text.size() > kMaxSubdomain) {
        return "longer than 253 characters";
    }
    return first_label_fault(text, external_label_fault);
}

std::string_view port_name_fault(std::string_view text) {
    if (text.size() > kMaxLabel) {
        return "longer than 63 characters";
    }
    const bool chars = std::all_of(text.begin(), text.end(),
                                   [](char c) { return is_alphanumeric(c) || c == '-'; });
    return chars ? std::string_view() : "not letters, digits and '-'";
}

std::string_view label_key_fault(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
        if (!dns_subdomain_fault(text.substr(0, slash)).empty()) {
            return "not a label key (before '/' stands a DNS subdomain)";
        }
        text.remove_prefix(slash + 1);
    }
    return text.empty() ? "not a label key (its name is empty)" : label_text_fault(text);
}

std::string_view label_value_fault(std::string_view text) {
    return text.empty() ? std::string_view() : label_text_fault(text);
}

std::optional<IpFamily> ip_family(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::memcpy(terminated.data(), text.data(), text.size());
    in6_addr address;
    if (inet_pton(AF_INET, terminated.data(), &address) == 1) {
        return IpFamily::V4;
    }
    if (inet_pton(AF_INET6, terminated.data(), &address) == 1) {
        return IpFamily::V6;
    }
    return std::nullopt;
}

}  // namespace k8s_client
