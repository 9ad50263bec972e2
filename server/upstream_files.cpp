#include "server/upstream_files.h"

#include <algorithm>
#include <utility>

#include "server/config_files.h"
#include "server/resolv_conf.h"

namespace server {

void UpstreamFiles::add(resolver::Upstream upstream) {
    sources_.push_back({{}, {}, {std::move(upstream)}});
}

tl::expected<void, std::string> UpstreamFiles::add_file(const std::filesystem::path& file) {
    const FileStamp stamp = stamp_of(file);  // first: a change while it is read is seen later
    auto upstreams = read(file);
    if (!upstreams) {
        return tl::unexpected(upstreams.error());
    }
    sources_.push_back({file, stamp, std::move(*upstreams)});
    return {};
}

std::vector<resolver::Upstream> UpstreamFiles::upstreams() const {
    std::vector<resolver::Upstream> all;
    for (const Source& source : sources_) {
        for (const auto& upstream : source.upstreams) {
            if (std::find(all.begin(), all.end(), upstream) == all.end()) {
                all.push_back(upstream);
            }
        }
    }
    return all;
}

bool UpstreamFiles::has_file() const {
    return std::any_of(sources_.begin(), sources_.end(),
                       [](const Source& source) { return !source.file.empty(); });
}

std::optional<std::vector<resolver::Upstream>> UpstreamFiles::reread() {
    bool changed = false;
    for (Source& source : sources_) {
        if (source.file.empty()) {
            continue;
        }
        const FileStamp stamp = stamp_of(source.file);
        if (stamp == source.stamp) {
            continue;
        }
        source.stamp = stamp;
        auto upstreams = read(source.file);
        if (upstreams && !upstreams->empty() && *upstreams != source.upstreams) {
            source.upstreams = std::move(*upstreams);
            changed = true;
        }
    }
    return changed ? std::optional(upstreams()) : std::nullopt;
}

tl::expected<std::vector<resolver::Upstream>, std::string> UpstreamFiles::read(
    const std::filesystem::path& file) {
    const auto text = read_text_file(file);
    if (!text) {
        return tl::unexpected(text.error());
    }
    std::vector<resolver::Upstream> upstreams;
    for (std::string& address : parse_nameservers(*text)) {
        upstreams.push_back({std::move(address), kDnsPort});
    }
    return upstreams;
}

}  // namespace server
