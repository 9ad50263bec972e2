// Files that somebody writes: manifests, a kubeconfig, a snapshot, hosts(5).
#include <chrono>
#include <stdexcept>
#include <string>

#include "k8s_client/kubeconfig.h"
#include "k8s_client/snapshot_file.h"
#include "k8s_client/snapshot_format.h"
#include "k8s_client/yaml_reader.h"
#include "tests/fuzz/objects.h"
#include "tests/fuzz/target.h"
#include "zones/hosts_table.h"

namespace fuzz {
namespace {

using namespace k8s_client;

/// A first line that is right, before an input that lacks it: mutations alone find no checksum.
std::string sealed(std::string_view body) {
    Sha256 sum;
    sum.add(body);
    return snapshot_header(body.size(), sum.digest()) + std::string(body);
}

zones::ZoneTable every_name() {
    zones::ZoneTable table;
    table.add(zones::Name::parse(".").value(), 0);
    return table;
}

void judge_host(const zones::HostsTable& table, std::string_view word) {
    const auto name = zones::Name::parse(word);
    if (!name) {
        return;
    }
    zones::LoweredName lowered;
    lowered.assign(name->wire());
    const auto found = table.find(lowered);
    if (found) {
        require(!found->v4.empty() || !found->v6.empty(), "a host without an address");
    }
}

}  // namespace

void run_yaml(Input input) {
    Objects objects;
    ObjectDecoder decoder(objects);
    const auto read = read_yaml(text_of(input), decoder);
    require(read || !read.error().why.empty(), "a fault without a reason");
    objects.ask();
}

void run_kubeconfig(Input input) {
    const MemoryFile file(text_of(input));
    try {
        const ApiAccess access = kubeconfig_access(file.path(), "");
        require(!access.host.empty(), "access to no host");
    } catch (const AccessError& error) {
        const std::string_view what = error.what();
        require(what.find('\n') == what.npos, "an error of more than one line");
    }
}

/// The first octet decides whether the first line is made to fit the rest.
void run_snapshot(Input input) {
    Pieces pieces(input);
    const bool seal = pieces.u8() % 2 == 0;
    const std::string_view body = text_of(pieces.rest());
    const MemoryFile file(seal ? sealed(body) : std::string(body));
    Objects objects;
    SnapshotDemand demand;
    demand.now = std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000));
    demand.max_age = std::chrono::hours(24 * 365 * 10);
    const auto read = read_snapshot_file(
        file.path(), demand, [&](Object object) { objects.take(std::move(object), 1); });
    if (!read) {
        require(!read.error().why.empty() && read.error().why.find('\n') == std::string::npos,
                "no reason, or one of more than a line");
    } else {
        objects.ask();
    }
}

void run_hosts(Input input) {
    static const zones::ZoneTable all = every_name();
    const std::string_view text = text_of(input);
    const zones::HostsTable table({text}, {.zones = all, .reverse = true, .key = {3, 4}});
    require(table.memory() < 4096 + 64 * text.size(), "more memory than the text is worth");
    for (Pieces words(input); !words.at_end();) {
        judge_host(table, words.until(' '));
    }
}

}  // namespace fuzz
