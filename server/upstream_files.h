// The upstreams of one `forward` line, those that stand in files read again when a file changes.
// Knows resolv.conf(5) and nothing else about upstreams. A value: each worker has a copy of its own
// and looks with it every few seconds, on its thread; that costs a stat(2) for each file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "resolver/forward.h"
#include "server/file_stamp.h"

namespace server {

/// Of an upstream that names none, as those of a file (RFC 1035 §4.2).
inline constexpr std::uint16_t kDnsPort = 53;

class UpstreamFiles {
  public:
    void add(resolver::Upstream upstream);
    /// An error says why the file cannot be read.
    tl::expected<void, std::string> add_file(const std::filesystem::path& file);

    /// All of them in order, each once.
    std::vector<resolver::Upstream> upstreams() const;
    bool has_file() const;

    /// The new list, if a file has changed since this was last looked at. What a file says that is
    /// gone, cannot be read or names nobody still holds.
    std::optional<std::vector<resolver::Upstream>> reread();

  private:
    struct Source {
        std::filesystem::path file;  // empty for an address
        FileStamp stamp;
        std::vector<resolver::Upstream> upstreams;
    };
    static tl::expected<std::vector<resolver::Upstream>, std::string> read(
        const std::filesystem::path& file);

    std::vector<Source> sources_;
};

}  // namespace server
