#include <algorithm>
#include <limits>
#include <utility>

#include "server/config_files.h"
#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"
#include "server/resolv_conf.h"

namespace server {
namespace {

constexpr std::size_t kMaxUpstreams = 15;  // coredns/plugin/forward
constexpr std::uint16_t kDnsPort = 53;
constexpr std::int64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();

struct Target {
    ForwardConfig config;
    std::set<std::string>& inactive;
    std::chrono::nanoseconds expire{std::chrono::seconds(10)};
    std::chrono::nanoseconds max_age{0};
};

void note_inactive(const Directive& line, Target& target) {
    target.inactive.insert("forward " + line.name);
}

void read_except(const Directive& line, Target& target) {
    expect_arguments(line, 1, kNoLimit);
    const auto zones = read_zones(line.at, line.args);
    target.config.except.insert(target.config.except.end(), zones.begin(), zones.end());
}

void read_force_tcp(const Directive& line, Target& target) {
    expect_arguments(line, 0, 0);
    target.config.options.force_tcp = true;
}

void read_prefer_udp(const Directive& line, Target& target) {
    expect_arguments(line, 0, 0);
    target.config.options.prefer_udp = true;
}

void read_policy(const Directive& line, Target& target) {
    static constexpr std::string_view kNames[] = {"random", "round_robin", "sequential"};
    static constexpr resolver::Policy kValues[] = {
        resolver::Policy::Random, resolver::Policy::RoundRobin, resolver::Policy::Sequential};
    expect_arguments(line, 1, 1);
    target.config.options.policy = kValues[read_word(line, line.args[0], kNames)];
}

void read_read_timeout(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    const auto timeout = read_duration(line, line.args[0]);
    if (timeout == std::chrono::nanoseconds(0)) {
        fail(line.at, "read_timeout must be more than 0", line.args[0]);
    }
    target.config.options.read_timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout);
}

void read_max_concurrent(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    target.config.options.max_concurrent =
        static_cast<std::size_t>(read_integer(line, line.args[0], 0, kMaxInt));
}

void read_expire(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    target.expire = read_duration(line, line.args[0]);
    note_inactive(line, target);
}

void read_max_age(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    target.max_age = read_duration(line, line.args[0]);
    note_inactive(line, target);
}

void check_count(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    read_integer(line, line.args[0], 0, kMaxUint32);
    note_inactive(line, target);
}

void check_flag(const Directive& line, Target& target) {
    expect_arguments(line, 0, 0);
    note_inactive(line, target);
}

void check_health_check(const Directive& line, Target& target) {
    expect_arguments(line, 1, kNoLimit);
    read_duration(line, line.args[0]);
    for (std::size_t i = 1; i < line.args.size(); ++i) {
        if (line.args[i] == "domain" && i + 1 < line.args.size()) {
            read_name(line.at, line.args[++i]);
        } else if (line.args[i] != "no_rec") {
            static constexpr std::string_view kKnown[] = {"no_rec", "domain FQDN"};
            fail(line.at, "unknown option of health_check", line.args[i], kKnown);
        }
    }
    note_inactive(line, target);
}

/// The mnemonics of IANA's registry of DNS RCODEs, and NOTIMPL as miekg/dns has it too.
void check_rcodes(const Directive& line, Target& target) {
    static constexpr std::string_view kRcodes[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "NOTIMPL",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "BADSIG",   "BADVERS",
        "BADKEY",   "BADTIME", "BADMODE",  "BADNAME",  "BADALG",  "BADTRUNC", "BADCOOKIE"};
    expect_arguments(line, 1, kNoLimit);
    for (std::string rcode : line.args) {
        std::transform(rcode.begin(), rcode.end(), rcode.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        if (line.name == "failover" && rcode == "NOERROR") {
            fail(line.at, "failover cannot be on NOERROR", rcode);
        }
        read_word(line, rcode, kRcodes);
    }
    note_inactive(line, target);
}

void check_source_address(const Directive& line, Target& target) {
    expect_arguments(line, 1, 1);
    if (!parse_address(line.args[0])) {
        fail(line.at, "source_address needs an IP address", line.args[0]);
    }
    note_inactive(line, target);
}

constexpr Option<Target> kOptions[] = {
    {"doh_method", refuse_option<Target>},
    {"except", read_except},
    {"expire", read_expire},
    {"failfast_all_unhealthy_upstreams", check_flag},
    {"failover", check_rcodes},
    {"force_tcp", read_force_tcp},
    {"health_check", check_health_check},
    {"max_age", read_max_age},
    {"max_concurrent", read_max_concurrent},
    {"max_connect_attempts", check_count},
    {"max_fails", check_count},
    {"max_idle_conns", check_count},
    {"next", check_rcodes},
    {"next_on_nodata", check_flag},
    {"policy", read_policy},
    {"prefer_udp", read_prefer_udp},
    {"read_timeout", read_read_timeout},
    {"resolver", refuse_option<Target>},
    {"source_address", check_source_address},
    {"tls", refuse_option<Target>},
    {"tls_servername", refuse_option<Target>},
};

/// One TO: an address, or the name servers of a file.
std::vector<resolver::Upstream> read_upstream(const Directive& directive, std::string_view text,
                                              const std::filesystem::path& folder) {
    std::string_view rest = text;
    if (rest.starts_with("dns://")) {
        rest.remove_prefix(6);
    } else if (rest.find("://") != std::string_view::npos) {
        static constexpr std::string_view kKnown[] = {"dns://"};
        fail(directive.at, "this protocol is not supported in this version", text, kKnown);
    }
    if (const auto endpoint = parse_endpoint(rest)) {
        return {{endpoint->address, endpoint->port.value_or(kDnsPort)}};
    }
    const auto file = read_text_file(folder / rest);
    if (rest.empty() || !file) {
        const std::string reason = rest.empty() ? "empty" : file.error();
        fail(directive.at, "not an IP address or file (" + reason + ")", text);
    }
    std::vector<resolver::Upstream> upstreams;
    for (std::string& address : parse_nameservers(*file)) {
        upstreams.push_back({std::move(address), kDnsPort});
    }
    return upstreams;
}

std::vector<resolver::Upstream> read_upstreams(const Directive& directive,
                                               const std::filesystem::path& folder) {
    std::vector<resolver::Upstream> upstreams;
    for (std::size_t i = 1; i < directive.args.size(); ++i) {
        for (auto& upstream : read_upstream(directive, directive.args[i], folder)) {
            if (std::find(upstreams.begin(), upstreams.end(), upstream) == upstreams.end()) {
                upstreams.push_back(std::move(upstream));
            }
        }
    }
    if (upstreams.empty()) {
        fail(directive.at, "no nameservers found", text_of(directive));
    }
    if (upstreams.size() > kMaxUpstreams) {
        fail(directive.at,
             "more than 15 TOs configured: " + std::to_string(upstreams.size()) + " upstreams",
             text_of(directive));
    }
    return upstreams;
}

}  // namespace

ForwardConfig read_forward(const Directive& directive, const std::filesystem::path& folder,
                           std::set<std::string>& inactive, std::vector<std::string>& notices) {
    expect_arguments(directive, 2, kNoLimit);
    Target target{{}, inactive};
    const auto from = read_zones(directive.at, directive.args[0]);
    target.config.from = from.front();
    if (from.size() > 1) {
        notices.push_back(directive.at.file + ":" + std::to_string(directive.at.line) +
                          ": forward takes only the first zone of " + directive.args[0] + ": " +
                          from.front().to_string());
    }
    target.config.options.upstreams = read_upstreams(directive, folder);
    read_options<Target>(directive, kOptions, target);
    if (target.max_age != target.max_age.zero() && target.max_age < target.expire) {
        fail(directive.at, "max_age must be 0 or at least expire", text_of(directive));
    }
    return std::move(target.config);
}

}  // namespace server
