// The plugins that limit clients: ratelimit and rrl.
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

namespace server {
namespace {

constexpr std::int64_t kMostPerSecond = 1'000'000;
constexpr std::int64_t kLongestBurst = 3600;  // in seconds' worth
constexpr std::int64_t kLeastTableSize = 8;   // clients or accounts that are told apart
constexpr std::int64_t kMostTableSize = 1 << 24;
constexpr double kLongestResponseWindow = 3600;  // seconds

std::uint32_t read_burst_of(const Directive& line, std::string_view text, const Budget& budget) {
    return static_cast<std::uint32_t>(
        read_integer(line, text, 1, budget.per_second * kLongestBurst));
}

/// `QPS [BURST]`; a second's worth without BURST.
Budget read_budget(const Directive& line) {
    Budget budget;
    budget.per_second =
        static_cast<std::uint32_t>(read_integer(line, line.args[0], 1, kMostPerSecond));
    budget.burst =
        line.args.size() > 1 ? read_burst_of(line, line.args[1], budget) : budget.per_second;
    return budget;
}

void read_burst(const Directive& line, RateLimitConfig& config) {
    expect_arguments(line, 1, 1);
    config.queries.burst = read_burst_of(line, line.args[0], config.queries);
}

void read_forwards(const Directive& line, RateLimitConfig& config) {
    expect_arguments(line, 1, 2);
    config.forwards = read_budget(line);
    if (config.forwards->per_second > config.queries.per_second) {
        fail(line.at, "forwards cannot be more than the queries that ratelimit allows",
             line.args[0]);
    }
}

void read_exempt(const Directive& line, RateLimitConfig& config) {
    static constexpr std::string_view kKnown[] = {"ADDRESS", "ADDRESS/BITS"};
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& text : line.args) {
        const auto net = parse_net(text);
        if (!net) {
            fail(line.at, "not a network of " + line.name, text, kKnown);
        }
        config.exempt.push_back(*net);
    }
}

std::size_t read_table_size(const Directive& line) {
    expect_arguments(line, 1, 1);
    return static_cast<std::size_t>(
        read_integer(line, line.args[0], kLeastTableSize, kMostTableSize));
}

void read_clients(const Directive& line, RateLimitConfig& config) {
    config.clients = read_table_size(line);
}

void read_over(const Directive& line, RateLimitConfig& config) {
    using Over = RateLimitConfig::Over;
    static constexpr std::string_view kNames[] = {"truncate", "refuse", "drop"};
    static constexpr Over kValues[] = {Over::Truncate, Over::Refuse, Over::Drop};
    expect_arguments(line, 1, 1);
    config.over = kValues[read_word(line, line.args[0], kNames)];
}

constexpr Option<RateLimitConfig> kRateLimitOptions[] = {
    {"burst", read_burst}, {"exempt", read_exempt}, {"forwards", read_forwards},
    {"over", read_over},   {"table", read_clients}, {"whitelist", read_exempt}};

/// A number, perhaps with a fraction, that is above 0 or may be 0.
double read_decimal(const Directive& line, bool may_be_zero, double most) {
    expect_arguments(line, 1, 1);
    const std::string& text = line.args[0];
    double number = -1;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    // One in an hour is as seldom as can be counted.
    if (!is_number || number > most ||
        !(number >= 1 / kLongestResponseWindow || (may_be_zero && number == 0))) {
        fail(line.at,
             fmt::format("{} needs a number {}up to {:.0f}", line.name,
                         may_be_zero ? "from 0 " : "above 0, ", most),
             text);
    }
    return number;
}

/// The options as they stand; what is left out follows from `responses-per-second`.
struct ResponseOptions {
    ResponseLimitConfig config;
    std::array<std::optional<double>, kReplyKinds> replies;
};

void read_window(const Directive& line, ResponseOptions& options) {
    options.config.window = std::chrono::nanoseconds(
        static_cast<std::int64_t>(read_decimal(line, false, kLongestResponseWindow) * 1e9));
}

template <ReplyKind Kind>
void read_allowance(const Directive& line, ResponseOptions& options) {
    options.replies[static_cast<std::size_t>(Kind)] =
        read_decimal(line, true, static_cast<double>(kMostPerSecond));
}

void read_requests(const Directive& line, ResponseOptions& options) {
    options.config.requests = read_decimal(line, true, static_cast<double>(kMostPerSecond));
}

template <unsigned ResponseLimitConfig::*Bits, int Most>
void read_prefix(const Directive& line, ResponseOptions& options) {
    expect_arguments(line, 1, 1);
    options.config.*Bits = static_cast<unsigned>(read_integer(line, line.args[0], 1, Most));
}

void read_slip(const Directive& line, ResponseOptions& options) {
    expect_arguments(line, 1, 1);
    options.config.slip =
        static_cast<std::uint32_t>(read_integer(line, line.args[0], 0, kMostPerSecond));
}

void read_accounts(const Directive& line, ResponseOptions& options) {
    options.config.accounts = read_table_size(line);
}

void read_report_only(const Directive& line, ResponseOptions& options) {
    expect_arguments(line, 0, 0);
    options.config.report_only = true;
}

constexpr Option<ResponseOptions> kResponseOptions[] = {
    {"errors-per-second", read_allowance<ReplyKind::Error>},
    {"ipv4-prefix-length", read_prefix<&ResponseLimitConfig::v4_bits, 32>},
    {"ipv6-prefix-length", read_prefix<&ResponseLimitConfig::v6_bits, 128>},
    {"max-table-size", read_accounts},
    {"nodata-per-second", read_allowance<ReplyKind::NoData>},
    {"nxdomains-per-second", read_allowance<ReplyKind::NxDomain>},
    {"referrals-per-second", read_allowance<ReplyKind::Referral>},
    {"report-only", read_report_only},
    {"requests-per-second", read_requests},
    {"responses-per-second", read_allowance<ReplyKind::Answer>},
    {"slip-ratio", read_slip},
    {"window", read_window}};

}  // namespace

RateLimitConfig read_ratelimit(const Directive& directive) {
    expect_arguments(directive, 1, 1);
    RateLimitConfig config;
    config.queries = read_budget(directive);
    read_options<RateLimitConfig>(directive, kRateLimitOptions, config);
    return config;
}

ResponseLimitConfig read_rrl(const Directive& directive) {
    ResponseOptions options;
    options.config.zones = read_zones(directive.at, directive.args);
    read_options<ResponseOptions>(directive, kResponseOptions, options);
    const double answers = options.replies[static_cast<std::size_t>(ReplyKind::Answer)].value_or(0);
    bool limits = options.config.requests > 0;
    for (std::size_t kind = 0; kind < kReplyKinds; ++kind) {
        options.config.replies[kind] = options.replies[kind].value_or(answers);
        limits = limits || options.config.replies[kind] > 0;
    }
    if (!limits) {
        fail(directive.at,
             "rrl limits nothing without a number per second, as of responses-per-second",
             text_of(directive));
    }
    return options.config;
}

}  // namespace server
