#include "server/metric_labels.h"

#include <algorithm>

#include "server/log_format.h"

namespace server {
namespace {

struct Named {
    std::uint16_t code;
    std::string_view name;
};

// coredns/plugin/metrics/vars/monitor.go, in the order of the codes.
constexpr std::array<Named, kTypePlaces - 1> kCountedTypes = {{{1, "A"},
                                                               {2, "NS"},
                                                               {5, "CNAME"},
                                                               {6, "SOA"},
                                                               {12, "PTR"},
                                                               {15, "MX"},
                                                               {16, "TXT"},
                                                               {28, "AAAA"},
                                                               {33, "SRV"},
                                                               {43, "DS"},
                                                               {46, "RRSIG"},
                                                               {47, "NSEC"},
                                                               {48, "DNSKEY"},
                                                               {50, "NSEC3"},
                                                               {64, "SVCB"},
                                                               {65, "HTTPS"},
                                                               {251, "IXFR"},
                                                               {252, "AXFR"},
                                                               {255, "ANY"}}};
constexpr std::array<Named, kClassPlaces - 1> kCountedClasses = {
    {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}}};

/// The place of each type below 256, which all that are told apart are.
constexpr auto kTypePlace = [] {
    std::array<std::uint8_t, 256> places{};
    places.fill(kTypePlaces - 1);
    for (std::size_t i = 0; i < kCountedTypes.size(); ++i) {
        places[kCountedTypes[i].code] = static_cast<std::uint8_t>(i);
    }
    return places;
}();

constexpr std::array<std::string_view, kAuthors> kAuthorNames = {
    "",      "acl",        "any",   "cache",     "chaos",    "forward",
    "hosts", "kubernetes", "local", "ratelimit", "template", "whoami"};

}  // namespace

std::string_view name_of(Author author) {
    return kAuthorNames[static_cast<std::size_t>(author)];
}

std::size_t type_place(std::uint16_t qtype) {
    return qtype < kTypePlace.size() ? kTypePlace[qtype] : kTypePlaces - 1;
}

std::string_view type_at(std::size_t place) {
    return place < kCountedTypes.size() ? kCountedTypes[place].name : "other";
}

std::size_t class_place(std::uint16_t qclass) {
    return static_cast<std::size_t>(std::ranges::find(kCountedClasses, qclass, &Named::code) -
                                    kCountedClasses.begin());
}

std::string_view class_at(std::size_t place) {
    return place < kCountedClasses.size() ? kCountedClasses[place].name : "other";
}

std::string rcode_at(std::size_t place) {
    return rcode_text(static_cast<unsigned>(place));
}

}  // namespace server
