#include "server/hosts.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <tl/expected.hpp>

#include "k8s_client/error_text.h"
#include "k8s_client/file_descriptor.h"
#include "server/random_value.h"
#include "server/zone_set.h"
#include "zones/service_answer.h"

namespace server {
namespace {

constexpr std::size_t kMaxHostsFile = std::size_t{64} << 20;
constexpr std::size_t kFirstRead = std::size_t{64} << 10;
constexpr char kTooLarge[] = "larger than 64 MiB";

struct HostsFile {
    std::string text;
    FileStamp stamp;
};

/// What has no size, such as a device, is read up to the limit too.
tl::expected<std::string, std::string> read_all(int fd, std::size_t expected_size) {
    std::string text(std::min(expected_size, kMaxHostsFile) + 1, '\0');
    std::size_t size = 0;
    for (;;) {
        if (size == text.size()) {
            text.resize(std::max(text.size() * 2, kFirstRead));
        }
        const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tl::unexpected(k8s_client::error_text(errno));
        }
        size += static_cast<std::size_t>(got);
        if (size > kMaxHostsFile) {
            return tl::unexpected(std::string(kTooLarge));
        }
        if (got == 0) {
            text.resize(size);
            return text;
        }
    }
}

/// The error says why it cannot be had. Never waits for a writer, as a pipe would.
tl::expected<HostsFile, std::string> read_hosts_file(const std::filesystem::path& file) {
    const k8s_client::FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) {
        return tl::unexpected(k8s_client::error_text(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return tl::unexpected(std::string("is a folder"));
    }
    if (status.st_size > static_cast<off_t>(kMaxHostsFile)) {
        return tl::unexpected(std::string(kTooLarge));
    }
    auto text = read_all(fd.get(), static_cast<std::size_t>(status.st_size));
    if (!text) {
        return tl::unexpected(text.error());
    }
    // As it was before it was read: a change in between is seen the next time.
    return HostsFile{std::move(*text), FileStamp(status)};
}

/// PTR at the reverse name of an address that the table has.
bool answer_pointer(const zones::AskedName& asked, const zones::HostsTable& table,
                    std::uint32_t ttl, zones::MessageWriter& out) {
    const auto reverse = zones::parse_reverse_name(asked.lowered->wire());
    if (!reverse || !reverse->complete()) {
        return false;
    }
    const auto names = table.names_of(reverse->first);
    for (const std::uint32_t index : names) {
        out.begin_record({{}, asked.placed}, zones::qtype::kPtr, ttl);
        out.put_compressed(table.name(index));
        if (!out.end_record(zones::Section::Answer)) {
            out.mark_truncated();
            break;
        }
    }
    return !names.empty();
}

}  // namespace

Hosts::Hosts(HostsConfig config, std::string& notice)
    : config_(std::move(config)),
      zones_(zone_set(config_.zones)),
      fallthrough_(zone_set(config_.fallthrough_zones)),
      key_(random_value<zones::HashKey>()),
      tables_(make_table({})) {
    if (config_.file.empty()) {
        return;
    }
    const auto read = read_hosts_file(config_.file);
    if (read) {
        take_stamp(read->stamp);
        tables_.publish(make_table(read->text));
        return;
    }
    fault_ = read.error();
    refused_ = 1;
    notice = config_.file.string() + ": " + fault_ + "; hosts goes on without it" +
             (config_.reload.count() > 0 ? " until it can be read" : "");
}

std::shared_ptr<const zones::HostsTable> Hosts::make_table(std::string_view file_text) const {
    return std::make_shared<const zones::HostsTable>(
        std::initializer_list<std::string_view>{file_text, config_.inline_lines},
        zones::HostsTable::Options{zones_, config_.reverse, key_});
}

bool Hosts::falls_through(const zones::LoweredName& name) const {
    return config_.has_fallthrough && (fallthrough_.empty() || fallthrough_.find(name));
}

Hosts::Outcome Hosts::answer(const zones::AskedName& asked, const zones::AnswerStyle& style,
                             const zones::HostsTable& table, zones::MessageWriter& out) const {
    using namespace zones;
    // Reverse names need not be in a zone of the plugin, only the names of the addresses.
    if (style.qtype == qtype::kPtr && answer_pointer(asked, table, config_.ttl, out)) {
        return Outcome::Answered;
    }
    if (!zones_.find(*asked.lowered)) {
        return Outcome::NextPlugin;
    }
    const bool supported =
        style.qtype == qtype::kA || style.qtype == qtype::kAaaa || style.qtype == qtype::kPtr;
    if (!supported && config_.fallthrough_unsupported && falls_through(*asked.lowered)) {
        return Outcome::NextPlugin;
    }
    if (const auto addresses = table.find(*asked.lowered)) {
        return answer_addresses({{}, asked.placed}, *addresses, style, config_.ttl, out)
                   ? Outcome::Answered
                   : Outcome::NoData;
    }
    return style.qtype == qtype::kPtr || falls_through(*asked.lowered) ? Outcome::NextPlugin
                                                                       : Outcome::Failed;
}

void Hosts::take_stamp(const FileStamp& stamp) {
    stamp_ = stamp;
    written_.store(static_cast<double>(stamp.changed.tv_sec) +
                       static_cast<double>(stamp.changed.tv_nsec) / 1e9,
                   std::memory_order_relaxed);
}

std::string Hosts::reload() {
    // What could not be read is tried each time: permissions leave the stamp as it is.
    if (config_.file.empty() || (fault_.empty() && stamp_of(config_.file) == stamp_)) {
        return {};
    }
    const auto read = read_hosts_file(config_.file);
    const std::string before = std::exchange(fault_, read ? std::string() : read.error());
    if (read) {
        take_stamp(read->stamp);
        tables_.publish(make_table(read->text));
        return before.empty() ? std::string() : config_.file.string() + ": could be read now";
    }
    if (fault_ == before) {
        return {};
    }
    refused_.fetch_add(1, std::memory_order_relaxed);
    return config_.file.string() + ": " + fault_ + "; the names that were read before stay";
}

std::chrono::milliseconds Hosts::reload_interval() const {
    return config_.file.empty() ? std::chrono::milliseconds(0) : config_.reload;
}

}  // namespace server
