// The `hosts` plugin of one server block: a table of addresses, from a file and from the Corefile.
// Knows the block's configuration and when its file has changed; knows nothing of who asks.
// answer() may be called by all workers, each with a reader of its own on tables(); reload() by one
// thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/file_stamp.h"
#include "server/published.h"
#include "zones/cluster_zone.h"
#include "zones/hash.h"
#include "zones/hosts_table.h"
#include "zones/zone_table.h"

namespace server {

struct HostsConfig {
    std::filesystem::path file;      // absolute; empty: none
    std::vector<zones::Name> zones;  // what the plugin is for; never empty
    std::string inline_lines;        // in the form of hosts(5)
    std::uint32_t ttl = 3600;
    bool reverse = true;                     // answer PTR
    std::chrono::milliseconds reload{5000};  // how often the file is looked at; 0: never
    bool has_fallthrough = false;            // a name that is not there: the next plugin is asked
    std::vector<zones::Name> fallthrough_zones;  // in these; empty: for every name
    bool fallthrough_unsupported = false;  // there as well for types but A, AAAA, PTR of any name
};

class Hosts {
  public:
    enum class Outcome : std::uint8_t {
        NextPlugin,  // nothing was written
        NoData,      // the name is there, without such a record; nothing was written
        Answered,
        Failed,  // the name is not there and may not fall through: SERVFAIL, as with CoreDNS
    };

    /// Reads the file. One that is not there or cannot be read is an empty one, and `notice` says
    /// so (as CoreDNS, which takes it up once it appears). Throws ConfigError without randomness.
    Hosts(HostsConfig config, std::string& notice);

    const Published<zones::HostsTable>& tables() const { return tables_; }

    Outcome answer(const zones::AskedName& asked, const zones::AnswerStyle& style,
                   const zones::HostsTable& table, zones::MessageWriter& out) const;

    /// Reads the file if it has changed, and publishes the new table. If it cannot be read the old
    /// table stays. A text for the operator when that begins, changes its reason or ends; else
    /// empty.
    std::string reload();

    std::string file() const { return config_.file.string(); }
    /// When the file that is in use was written, in seconds since 1970; 0: none is. Any thread.
    double written() const { return written_.load(std::memory_order_relaxed); }
    /// How often the file began not to be readable, or for another reason. Any thread.
    std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

    /// Zero if it never changes.
    std::chrono::milliseconds reload_interval() const;

  private:
    std::shared_ptr<const zones::HostsTable> make_table(std::string_view file_text) const;
    bool falls_through(const zones::LoweredName& name) const;
    void take_stamp(const FileStamp& stamp);

    HostsConfig config_;
    zones::ZoneTable zones_;
    zones::ZoneTable fallthrough_;
    zones::HashKey key_;
    Published<zones::HostsTable> tables_;
    std::atomic<double> written_{0};
    std::atomic<std::uint64_t> refused_{0};
    FileStamp stamp_;    // of what was read; reload()'s, as is the next
    std::string fault_;  // why the file could not be read the last time; empty: it was
};

}  // namespace server
