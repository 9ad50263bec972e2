// What a query and its reply are counted under: type, response code, and who wrote the reply.
// A few places each, so that a client who makes types up adds no series. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace server {

/// Who wrote a reply, CoreDNS's label `plugin`.
enum class Author : std::uint8_t {
    Server,  // no plugin: the server itself, also for one that failed
    Acl,
    Any,
    Cache,
    Chaos,
    Forward,
    Hosts,
    Kubernetes,
    Local,
    RateLimit,
    Template,
    Whoami,
};
inline constexpr std::size_t kAuthors = 12;
/// Empty for the server.
std::string_view name_of(Author author);

/// The types that CoreDNS tells apart, and "other".
inline constexpr std::size_t kTypePlaces = 20;
std::size_t type_place(std::uint16_t qtype);
std::string_view type_at(std::size_t place);

/// IN, CH, HS, NONE, ANY, and "other".
inline constexpr std::size_t kClassPlaces = 6;
std::size_t class_place(std::uint16_t qclass);
std::string_view class_at(std::size_t place);

/// Response codes with those of EDNS; what is higher counts as the last.
inline constexpr std::size_t kRcodePlaces = 24;
constexpr std::size_t rcode_place(unsigned rcode) {
    return rcode < kRcodePlaces ? rcode : kRcodePlaces - 1;
}
/// "NOERROR", "RCODE12".
std::string rcode_at(std::size_t place);

}  // namespace server
