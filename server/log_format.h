// The format of a `log` line: which fields of a query and its reply it has, in which order.
// Knows the fields of coredns/plugin/pkg/replacer; decides nothing about which queries are logged.
// A value, made at load, immutable after; any thread may use it. What it prints it borrows.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/client.h"
#include "zones/query.h"

namespace server {

inline constexpr std::string_view kCommonFormat =
    "{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" "
    "{rcode} {>rflags} {rsize} {duration}";

/// What is said about one reply.
struct LoggedReply {
    const zones::Query& query;
    const Client& client;
    std::string_view listen_address;  // of the socket, without brackets
    std::span<const std::uint8_t> message;
    std::chrono::nanoseconds duration;
};

class LogFormat {
  public:
    /// `{common}` and `{combined}` stand for formats; what is no field is printed as it is.
    explicit LogFormat(std::string_view text = kCommonFormat);

    /// The line without its end.
    void append(const LoggedReply& reply, std::string& line) const;

    using Print = void (*)(const LoggedReply& reply, std::string& line);

  private:
    struct Part {
        std::string literal;
        Print field = nullptr;  // after the literal; null: none
    };
    std::vector<Part> parts_;
};

/// All fields as one JSON object, with its newline.
std::string json_query_line(const LoggedReply& reply);

/// "A", "TYPE65280"; "IN", "CLASS32"; "NOERROR", "RCODE23".
std::string type_text(std::uint16_t type);
std::string class_text(std::uint16_t qclass);
std::string rcode_text(unsigned rcode);

}  // namespace server
