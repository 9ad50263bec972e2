#include <algorithm>
#include <unistd.h>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/version.h"

// The plugins that answer without data: any, chaos, local, whoami.

namespace server {
namespace {

constexpr std::size_t kMaxCharacterString = 255;  // RFC 1035 §3.3

void read_localhost_prefix(const Directive& line, LocalConfig& local) {
    static constexpr std::string_view kSwitch[] = {"on", "off"};
    expect_arguments(line, 1, 1);
    local.localhost_prefix = read_word(line, line.args[0], kSwitch) == 0;
}

constexpr Option<LocalConfig> kLocalOptions[] = {{"localhost_prefix", read_localhost_prefix}};

}  // namespace

std::string host_name() {
    char name[256] = "";
    return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

ChaosConfig read_chaos(const Directive& directive) {
    expect_no_block(directive);
    const auto& args = directive.args;
    ChaosConfig chaos{"Keryx-" + std::string(kVersion), {}, host_name()};
    if (!args.empty()) {
        chaos.version = args[0].substr(0, kMaxCharacterString);
        for (auto author = args.begin() + 1; author != args.end(); ++author) {
            chaos.authors.push_back(author->substr(0, kMaxCharacterString));
        }
    }
    if (chaos.authors.empty()) {
        chaos.authors.emplace_back("The Keryx authors");
    }
    std::sort(chaos.authors.begin(), chaos.authors.end());
    chaos.authors.erase(std::unique(chaos.authors.begin(), chaos.authors.end()),
                        chaos.authors.end());
    return chaos;
}

LocalConfig read_local(const Directive& directive) {
    expect_arguments(directive, 0, 0);
    LocalConfig local;
    read_options<LocalConfig>(directive, kLocalOptions, local);
    return local;
}

void check_bare(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 0);
}

}  // namespace server
