#include "server/config_values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "server/ascii.h"

namespace server {
namespace {

constexpr std::int64_t kMaxNanoseconds = std::numeric_limits<std::int64_t>::max();

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// In this order "m" does not hide "ms". Both the micro sign and the Greek letter are in Go's table.
constexpr Unit kUnits[] = {
    {"ns", 1},         {"us", 1'000},        {"\xC2\xB5s", 1'000},  {"\xCE\xBCs", 1'000},
    {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};

std::string_view take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

std::optional<std::int64_t> to_number(std::string_view digits) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return number;
}

/// The part of a unit that decimals stand for; digits beyond a nanosecond do not count.
std::int64_t fraction_of(std::string_view digits, std::int64_t unit) {
    std::int64_t value = 0;
    for (const char c : digits) {
        unit /= 10;
        value += (c - '0') * unit;
    }
    return value;
}

/// One `12.5ms` at the front of `text`, in nanoseconds.
std::optional<std::int64_t> take_term(std::string_view& text) {
    const std::string_view whole = take_digits(text);
    std::string_view decimals;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        decimals = take_digits(text);
    }
    const auto* const unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                          [&](const Unit& u) { return text.starts_with(u.name); });
    if ((whole.empty() && decimals.empty()) || unit == std::end(kUnits)) {
        return std::nullopt;
    }
    text.remove_prefix(unit->name.size());
    const auto number = whole.empty() ? std::optional<std::int64_t>(0) : to_number(whole);
    if (!number || *number > kMaxNanoseconds / unit->nanoseconds) {
        return std::nullopt;
    }
    const std::int64_t fraction = fraction_of(decimals, unit->nanoseconds);
    const std::int64_t value = *number * unit->nanoseconds;
    if (fraction > kMaxNanoseconds - value) {
        return std::nullopt;
    }
    return value + fraction;
}

std::string_view without_scope(std::string_view address) {
    return address.substr(0, address.find('%'));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto port = text.empty() || !is_digit(text.front()) ? std::nullopt : to_number(text);
    if (!port || *port > 65535) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(*port);
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    if (text == "0") {
        return std::chrono::nanoseconds(0);
    }
    if (text.empty()) {
        return std::nullopt;
    }
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto term = take_term(text);
        if (!term || *term > kMaxNanoseconds - total) {
            return std::nullopt;
        }
        total += *term;
    }
    return std::chrono::nanoseconds(negative ? -total : total);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) {
            return std::nullopt;
        }
    }
    return to_number(text);
}

std::optional<std::string> parse_address(std::string_view text) {
    const std::string copy(text);
    std::array<unsigned char, 16> octets{};
    const int family = text.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (copy.find('\0') != std::string::npos ||
        ::inet_pton(family, copy.c_str(), octets.data()) != 1 ||
        ::inet_ntop(family, octets.data(), out.data(), out.size()) == nullptr) {
        return std::nullopt;
    }
    return std::string(out.data());
}

std::optional<Net> parse_net(std::string_view text) {
    constexpr std::int64_t kMappedBits = 96;
    const std::string_view address_text = text.substr(0, text.find('/'));
    const auto address = zones::parse_address(address_text);
    if (!address) {
        return std::nullopt;
    }
    const bool v4 = std::holds_alternative<zones::Ipv4>(*address);
    const bool mapped = v4 && address_text.find(':') != std::string_view::npos;
    const std::int64_t most = v4 ? 32 : 128;
    std::int64_t bits = most;
    if (address_text.size() < text.size()) {
        const std::string_view digits = text.substr(address_text.size() + 1);
        const bool is_number = std::all_of(digits.begin(), digits.end(), is_digit);
        bits = (is_number ? parse_integer(digits).value_or(-1) : -1) - (mapped ? kMappedBits : 0);
    }
    if (bits < 0 || bits > most) {
        return std::nullopt;
    }
    return Net{*address, static_cast<unsigned>(bits)};
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    if (auto bare = parse_address(without_scope(text))) {
        return Endpoint{std::move(*bare), std::nullopt};
    }
    std::string_view address;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        address = text.substr(1, close - 1);
        rest = text.substr(close + 1);
    } else {
        address = text.substr(0, text.find(':'));
        rest = text.substr(address.size());
    }
    auto parsed = parse_address(without_scope(address));
    if (!parsed || (!rest.empty() && rest.front() != ':')) {
        return std::nullopt;
    }
    Endpoint endpoint{std::move(*parsed), std::nullopt};
    if (!rest.empty()) {
        endpoint.port = parse_port(rest.substr(1));
        if (!endpoint.port) {
            return std::nullopt;
        }
    }
    return endpoint;
}

std::string text_of(const Directive& line) {
    std::string text = line.name;
    for (const std::string& arg : line.args) {
        text += ' ';
        text += arg;
    }
    return text;
}

void expect_arguments(const Directive& line, std::size_t least, std::size_t most) {
    if (line.args.size() >= least && line.args.size() <= most) {
        return;
    }
    std::string wanted = std::to_string(least);
    if (most == kNoLimit) {
        wanted += " or more";
    } else if (most != least) {
        wanted += " to " + std::to_string(most);
    } else if (most == 0) {
        wanted = "no";
    }
    const bool single = least == 1 && most == 1;
    fail(line.at, line.name + " takes " + wanted + (single ? " argument" : " arguments"),
         text_of(line));
}

void expect_no_block(const Directive& line) {
    if (line.has_block) {
        fail(line.at, "no '{' may follow here", text_of(line));
    }
}

std::int64_t read_integer(const Directive& line, std::string_view text, std::int64_t least,
                          std::int64_t most) {
    const auto number = parse_integer(text);
    if (!number || *number < least || *number > most) {
        fail(line.at,
             line.name + " needs a whole number from " + std::to_string(least) + " to " +
                 std::to_string(most),
             text);
    }
    return *number;
}

std::chrono::nanoseconds read_duration(const Directive& line, std::string_view text) {
    const auto duration = parse_duration(text);
    if (!duration || *duration < std::chrono::nanoseconds(0)) {
        fail(line.at, line.name + " needs a duration such as 500ms or 1m30s, not negative", text);
    }
    return *duration;
}

zones::Name read_name(const Position& at, std::string_view text) {
    const auto name = zones::Name::parse(text);
    if (!name) {
        fail(at, "not a domain name", text);
    }
    return name->lowered();
}

HostPort read_host_port(const Directive& line, std::string_view text) {
    const std::size_t colon = text.rfind(':');
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    const auto port =
        colon == std::string_view::npos ? std::nullopt : parse_port(text.substr(colon + 1));
    if (!port || (host.find(':') != std::string_view::npos && !bracketed)) {
        fail(line.at, line.name + " needs an address of the form [HOST]:PORT", text);
    }
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    return {std::string(host), *port};
}

}  // namespace server
