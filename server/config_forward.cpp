#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"
#include "server/upstream_files.h"

namespace server {
namespace {

constexpr std::int64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();

struct ForwardTarget {
    ForwardConfig config;
    std::chrono::nanoseconds expire{std::chrono::seconds(10)};
    std::chrono::nanoseconds max_age{0};
};

std::chrono::milliseconds to_milliseconds(std::chrono::nanoseconds duration) {
    return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

std::uint32_t read_count(const Directive& line) {
    expect_arguments(line, 1, 1);
    return static_cast<std::uint32_t>(read_integer(line, line.args[0], 0, kMaxUint32));
}

void read_except(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    const auto zones = read_zones(line.at, line.args);
    target.config.except.insert(target.config.except.end(), zones.begin(), zones.end());
}

void read_force_tcp(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.force_tcp = true;
}

void read_prefer_udp(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.prefer_udp = true;
}

void read_policy(const Directive& line, ForwardTarget& target) {
    static constexpr std::string_view kNames[] = {"random", "round_robin", "sequential"};
    static constexpr resolver::Policy kValues[] = {
        resolver::Policy::Random, resolver::Policy::RoundRobin, resolver::Policy::Sequential};
    expect_arguments(line, 1, 1);
    target.config.options.policy = kValues[read_word(line, line.args[0], kNames)];
}

void read_read_timeout(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, 1);
    const auto timeout = read_duration(line, line.args[0]);
    if (timeout == std::chrono::nanoseconds(0)) {
        fail(line.at, "read_timeout must be more than 0", line.args[0]);
    }
    target.config.options.read_timeout = to_milliseconds(timeout);
}

void read_max_concurrent(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, 1);
    target.config.options.max_concurrent =
        static_cast<std::size_t>(read_integer(line, line.args[0], 0, kMaxInt));
}

/// No connection is kept while nothing is in flight, so that is what it is checked for.
void read_expire(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, 1);
    target.expire = read_duration(line, line.args[0]);
}

void read_max_age(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, 1);
    target.max_age = read_duration(line, line.args[0]);
    target.config.options.max_age = to_milliseconds(target.max_age);
}

/// As with `expire`: there are none to limit.
void check_max_idle_conns(const Directive& line, ForwardTarget& /*target*/) {
    read_count(line);
}

void read_max_fails(const Directive& line, ForwardTarget& target) {
    target.config.options.health.max_fails = read_count(line);
}

void read_max_connect_attempts(const Directive& line, ForwardTarget& target) {
    target.config.options.max_connect_attempts = read_count(line);
}

void read_failfast(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.options.failfast = true;
}

void read_next_on_nodata(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 0, 0);
    target.config.next_on_nodata = true;
}

void read_health_check(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    resolver::HealthOptions& health = target.config.options.health;
    health.interval = to_milliseconds(read_duration(line, line.args[0]));
    for (std::size_t i = 1; i < line.args.size(); ++i) {
        if (line.args[i] == "domain" && i + 1 < line.args.size()) {
            const zones::Name domain = read_name(line.at, line.args[++i]);
            health.domain.assign(domain.wire().begin(), domain.wire().end());
        } else if (line.args[i] == "no_rec") {
            health.recursion_desired = false;
        } else {
            static constexpr std::string_view kKnown[] = {"no_rec", "domain FQDN"};
            fail(line.at, "unknown option of health_check", line.args[i], kKnown);
        }
    }
}

/// The mnemonics of IANA's registry of DNS RCODEs, and NOTIMPL as miekg/dns has it too. Those from
/// 16 on need an OPT that our queries give no cause for: they are known, and never match.
resolver::RcodeSet read_rcodes(const Directive& line) {
    static constexpr std::string_view kNames[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "NOTIMPL",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "BADSIG",   "BADVERS",
        "BADKEY",   "BADTIME", "BADMODE",  "BADNAME",  "BADALG",  "BADTRUNC", "BADCOOKIE"};
    static constexpr unsigned kCodes[] = {0,  1,  2,  3,  4,  4,  5,  6,  7,  8, 9,
                                          10, 16, 16, 17, 18, 19, 20, 21, 22, 23};
    expect_arguments(line, 1, kNoLimit);
    resolver::RcodeSet rcodes = 0;
    for (std::string rcode : line.args) {
        std::transform(rcode.begin(), rcode.end(), rcode.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        if (line.name == "failover" && rcode == "NOERROR") {
            fail(line.at, "failover cannot be on NOERROR", rcode);
        }
        rcodes |= 1U << kCodes[read_word(line, rcode, kNames)];
    }
    return rcodes;
}

void read_failover(const Directive& line, ForwardTarget& target) {
    target.config.options.failover |= read_rcodes(line);
}

void read_next(const Directive& line, ForwardTarget& target) {
    target.config.next |= read_rcodes(line);
}

void read_source_address(const Directive& line, ForwardTarget& target) {
    expect_arguments(line, 1, 1);
    const auto address = parse_address(line.args[0]);
    if (!address) {
        fail(line.at, "source_address needs an IP address", line.args[0]);
    }
    target.config.options.source_address = *address;
}

constexpr Option<ForwardTarget> kForwardOptions[] = {
    {"doh_method", refuse_option<ForwardTarget>},
    {"except", read_except},
    {"expire", read_expire},
    {"failfast_all_unhealthy_upstreams", read_failfast},
    {"failover", read_failover},
    {"force_tcp", read_force_tcp},
    {"health_check", read_health_check},
    {"max_age", read_max_age},
    {"max_concurrent", read_max_concurrent},
    {"max_connect_attempts", read_max_connect_attempts},
    {"max_fails", read_max_fails},
    {"max_idle_conns", check_max_idle_conns},
    {"next", read_next},
    {"next_on_nodata", read_next_on_nodata},
    {"policy", read_policy},
    {"prefer_udp", read_prefer_udp},
    {"read_timeout", read_read_timeout},
    {"resolver", refuse_option<ForwardTarget>},
    {"source_address", read_source_address},
    {"tls", refuse_option<ForwardTarget>},
    {"tls_servername", refuse_option<ForwardTarget>},
};

/// One TO: an address, or the name servers of a file.
void read_upstream(const Directive& directive, std::string_view text,
                   const std::filesystem::path& folder, UpstreamFiles& upstreams) {
    std::string_view rest = text;
    if (rest.starts_with("dns://")) {
        rest.remove_prefix(6);
    } else if (rest.find("://") != std::string_view::npos) {
        static constexpr std::string_view kKnown[] = {"dns://"};
        fail(directive.at, "this protocol is not supported in this version", text, kKnown);
    }
    if (const auto endpoint = parse_endpoint(rest)) {
        upstreams.add({endpoint->address, endpoint->port.value_or(kDnsPort)});
        return;
    }
    if (rest.empty()) {
        fail(directive.at, "not an IP address or file (empty)", text);
    }
    if (const auto added = upstreams.add_file(folder / rest); !added) {
        fail(directive.at, "not an IP address or file (" + added.error() + ")", text);
    }
}

void read_upstreams(const Directive& directive, const std::filesystem::path& folder,
                    resolver::ForwardOptions& options) {
    constexpr std::size_t kMostArguments = 1000;  // a file may be given several times, too
    if (directive.args.size() > kMostArguments) {
        fail(directive.at, "more than 1000 TOs configured", directive.name);
    }
    UpstreamFiles files;
    for (std::size_t i = 1; i < directive.args.size(); ++i) {
        read_upstream(directive, directive.args[i], folder, files);
    }
    options.upstreams = files.upstreams();
    if (options.upstreams.empty()) {
        fail(directive.at, "no nameservers found", text_of(directive));
    }
    if (options.upstreams.size() > resolver::kMostUpstreams) {
        fail(directive.at,
             "more than 15 TOs configured: " + std::to_string(options.upstreams.size()) +
                 " upstreams",
             text_of(directive));
    }
    if (files.has_file()) {
        options.reread = [files = std::move(files)]() mutable { return files.reread(); };
    }
}

}  // namespace

ForwardConfig read_forward(const Directive& directive, const std::filesystem::path& folder,
                           std::vector<std::string>& notices) {
    expect_arguments(directive, 2, kNoLimit);
    ForwardTarget target;
    const auto from = read_zones(directive.at, directive.args[0]);
    target.config.from = from.front();
    if (from.size() > 1) {
        notices.push_back(directive.at.file + ":" + std::to_string(directive.at.line) +
                          ": forward takes only the first zone of " + directive.args[0] + ": " +
                          from.front().to_string());
    }
    read_upstreams(directive, folder, target.config.options);
    read_options<ForwardTarget>(directive, kForwardOptions, target);
    if (target.max_age != target.max_age.zero() && target.max_age < target.expire) {
        fail(directive.at, "max_age must be 0 or at least expire", text_of(directive));
    }
    return std::move(target.config);
}

}  // namespace server
