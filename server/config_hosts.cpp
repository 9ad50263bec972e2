#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <vector>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"

namespace server {
namespace {

constexpr char kDefaultFile[] = "/etc/hosts";  // also beside inline lines, as with CoreDNS
constexpr std::int64_t kMaxHostsTtl = 65535;   // coredns/plugin/hosts

void read_hosts_fallthrough(const Directive& line, HostsConfig& config) {
    config.has_fallthrough = true;
    config.fallthrough_zones = read_zones(line.at, line.args);
}

void read_fallthrough_unsupported(const Directive& line, HostsConfig& config) {
    expect_arguments(line, 0, 0);
    config.fallthrough_unsupported = true;
}

void read_no_reverse(const Directive& line, HostsConfig& config) {
    expect_arguments(line, 0, 0);
    config.reverse = false;
}

void read_hosts_reload(const Directive& line, HostsConfig& config) {
    expect_arguments(line, 1, 1);
    config.reload = std::chrono::ceil<std::chrono::milliseconds>(
        std::min(read_duration(line, line.args[0]), kLongestDuration));
}

void read_hosts_ttl(const Directive& line, HostsConfig& config) {
    expect_arguments(line, 1, 1);
    config.ttl = static_cast<std::uint32_t>(read_integer(line, line.args[0], 1, kMaxHostsTtl));
}

constexpr Option<HostsConfig> kHostsOptions[] = {
    {"fallthrough", read_hosts_fallthrough},
    {"fallthrough_unsupported", read_fallthrough_unsupported},
    {"no_reverse", read_no_reverse},
    {"reload", read_hosts_reload},
    {"ttl", read_hosts_ttl},
};

bool is_address(std::string_view text) {
    return zones::parse_address(text.substr(0, text.find('%'))).has_value();
}

/// `ADDRESS NAME...`. An address alone names nothing, which CoreDNS takes.
void read_inline_line(const Directive& line, HostsConfig& config) {
    config.inline_lines += line.name;
    for (const std::string& name : line.args) {
        read_name(line.at, name);
        config.inline_lines += ' ' + name;
    }
    config.inline_lines += '\n';
}

void read_line(const Directive& line, HostsConfig& config) {
    const auto* const option =
        std::find_if(std::begin(kHostsOptions), std::end(kHostsOptions),
                     [&](const auto& candidate) { return candidate.name == line.name; });
    const bool is_option = option != std::end(kHostsOptions);
    if (!is_option && !is_address(line.name)) {
        std::vector<std::string_view> known{"ADDRESS NAME..."};
        for (const auto& candidate : kHostsOptions) {
            known.push_back(candidate.name);
        }
        fail(line.at, "neither an address nor a property of hosts", line.name, known);
    }
    expect_no_block(line);
    if (is_option) {
        option->read(line, config);
        return;
    }
    if (config.has_fallthrough) {
        fail(line.at, "the addresses of hosts must stand before fallthrough", text_of(line));
    }
    read_inline_line(line, config);
}

}  // namespace

HostsConfig read_hosts(const Directive& directive, const std::vector<zones::Name>& block_zones,
                       const std::filesystem::path& folder) {
    HostsConfig config;
    auto args = directive.args;
    config.file = kDefaultFile;
    if (!args.empty()) {
        if (args.front().empty()) {
            fail(directive.at, "the file of hosts has no name", text_of(directive));
        }
        config.file = folder / args.front();
        args.erase(args.begin());
    }
    config.zones = args.empty() ? block_zones : read_zones(directive.at, args);
    for (const Directive& line : directive.block) {
        read_line(line, config);
    }
    if (config.fallthrough_unsupported && !config.has_fallthrough) {
        fail(directive.at, "fallthrough_unsupported needs fallthrough", directive.name);
    }
    return config;
}

}  // namespace server
