#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s_client/decode.h"
#include "k8s_client/error_text.h"
#include "k8s_client/file_descriptor.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/snapshot_file.h"
#include "k8s_client/snapshot_format.h"

namespace k8s_client {
namespace {

SnapshotFault snapshot_fault(std::string why) {
    return {std::move(why), false};
}

/// The file from an offset on.
class FilePieces : public TextPieces {
  public:
    FilePieces(int fd, std::uint64_t offset)
        : fd_(fd), offset_(offset), buffer_(kSnapshotBuffer, '\0') {}

    std::string_view next() override {
        ssize_t n = 0;
        do {
            n = pread(fd_, buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            error_ = errno;
            return {};
        }
        offset_ += static_cast<std::uint64_t>(n);
        return std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
    }
    int error() const { return error_; }

  private:
    int fd_;
    std::uint64_t offset_;
    std::string buffer_;
    int error_ = 0;
};

struct OpenSnapshot {
    FileDescriptor fd;
    std::uint64_t size = 0;
};

tl::expected<OpenSnapshot, SnapshotFault> open_snapshot(const std::filesystem::path& file) {
    // Non-blocking, so that a pipe of that name cannot hold us up.
    OpenSnapshot opened{FileDescriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))};
    struct stat status {};
    if (!opened.fd || fstat(opened.fd.get(), &status) != 0) {
        return tl::unexpected(SnapshotFault{error_text(errno), errno == ENOENT});
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(snapshot_fault("not a file"));
    }
    opened.size = static_cast<std::uint64_t>(status.st_size);
    if (opened.size > kMaxSnapshotSize) {
        return tl::unexpected(snapshot_fault("larger than 256 MiB"));
    }
    return opened;
}

/// What stands before the List.
struct Preamble {
    std::chrono::sys_seconds written;
    std::string filters;
    std::uint64_t list_at = 0;  // offset in the file
};

/// Empty if all that follows the first line is what that line says.
std::string checksum_fault(const OpenSnapshot& opened, std::string_view first_line) {
    const std::uint64_t octets = opened.size - first_line.size();
    FilePieces pieces(opened.fd.get(), first_line.size());
    Sha256 sum;
    for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
        sum.add(piece);
    }
    if (pieces.error() != 0) {
        return error_text(pieces.error());
    }
    return snapshot_header(octets, sum.digest()) == first_line
               ? std::string()
               : "damaged: its size or checksum is not what its first line says";
}

/// Takes a line off `text`; nullopt if it does not begin with `field`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view field) {
    const std::size_t end = text.find('\n');
    if (!text.starts_with(field) || end == text.npos) {
        return std::nullopt;
    }
    const std::string_view value = text.substr(field.size(), end - field.size());
    text.remove_prefix(end + 1);
    return value;
}

tl::expected<Preamble, SnapshotFault> read_preamble(const OpenSnapshot& opened) {
    FilePieces pieces(opened.fd.get(), 0);
    const std::string_view start = pieces.next();
    if (pieces.error() != 0) {
        return tl::unexpected(snapshot_fault(error_text(pieces.error())));
    }
    std::string_view rest = start;
    const auto first = take_line(rest, kSnapshotMagic);
    if (!first) {
        return tl::unexpected(snapshot_fault("not a snapshot of Keryx"));
    }
    const std::string_view version = first->substr(0, first->find(' '));
    if (version != kSnapshotVersion) {
        constexpr std::size_t kShown = 20;
        return tl::unexpected(snapshot_fault("of format version '" +
                                             std::string(version.substr(0, kShown)) +
                                             "'; this Keryx reads version 1"));
    }
    if (std::string why = checksum_fault(opened, start.substr(0, start.size() - rest.size()));
        !why.empty()) {
        return tl::unexpected(snapshot_fault(std::move(why)));
    }
    const auto written = take_line(rest, kWrittenField);
    const auto time = written ? parse_time(*written) : std::nullopt;
    const auto filters = time ? take_line(rest, kFiltersField) : std::nullopt;
    if (!filters) {
        return tl::unexpected(snapshot_fault("malformed: its time or filters are missing"));
    }
    return Preamble{*time, std::string(*filters), start.size() - rest.size()};
}

std::string hours(std::chrono::seconds age) {
    constexpr double kSecondsPerHour = 3600;
    std::string text = std::to_string(static_cast<double>(age.count()) / kSecondsPerHour);
    return text.substr(0, text.find('.') + 2) + " h";
}

/// Empty if it may be used.
std::string refusal(const Preamble& preamble, const SnapshotDemand& demand) {
    const std::string written = "written at " + to_string(preamble.written);
    if (preamble.written > demand.now + kMaxClockSkew) {
        return written + ", which is in the future";
    }
    const std::chrono::seconds age = demand.now - preamble.written;
    if (age > demand.max_age) {
        return written + ", which is " + hours(age) + " ago; snapshot_max_age is " +
               hours(demand.max_age);
    }
    if (preamble.filters != demand.filters) {
        return "written with other options (" + preamble.filters + ")";
    }
    return {};
}

/// Hands on objects until one is wrong: then nothing in the file can be relied on.
class StrictReceiver : public ObjectReceiver {
  public:
    explicit StrictReceiver(const std::function<void(Object)>& take) : take_(take) {}

    void take(Object object, std::size_t document) override {
        if (document != 1) {
            spoil("more than one document");
        }
        if (why.empty()) {
            take_(std::move(object));
        }
    }
    void skip(const std::string& message) override { spoil(message); }
    void pass_over(std::string_view kind) override { spoil("it holds a " + std::string(kind)); }
    bool wants_more() const override { return why.empty(); }
    void begin_list(const ListMeta& /*meta*/) override { ++lists; }

    void spoil(const std::string& message) {
        if (why.empty()) {
            why = message;
        }
    }

    std::string why;
    unsigned lists = 0;

  private:
    const std::function<void(Object)>& take_;
};

}  // namespace

tl::expected<std::chrono::sys_seconds, SnapshotFault> read_snapshot_file(
    const std::filesystem::path& file, const SnapshotDemand& demand,
    const std::function<void(Object)>& take) {
    const auto opened = open_snapshot(file);
    if (!opened) {
        return tl::unexpected(opened.error());
    }
    const auto preamble = read_preamble(*opened);
    if (!preamble) {
        return tl::unexpected(preamble.error());
    }
    if (std::string why = refusal(*preamble, demand); !why.empty()) {
        return tl::unexpected(snapshot_fault(std::move(why)));
    }
    StrictReceiver receiver(take);
    ObjectDecoder decoder(receiver);
    FilePieces pieces(opened->fd.get(), preamble->list_at);
    const auto read = read_json(pieces, decoder);
    if (pieces.error() != 0) {
        return tl::unexpected(snapshot_fault(error_text(pieces.error())));
    }
    if (!receiver.why.empty() || !read) {
        return tl::unexpected(snapshot_fault(
            "malformed: " + (receiver.why.empty() ? read.error().why : receiver.why)));
    }
    if (receiver.lists != 1) {
        return tl::unexpected(snapshot_fault("malformed: not one List"));
    }
    return preamble->written;
}

}  // namespace k8s_client
