#include "k8s_client/manifest_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s_client/decode.h"
#include "k8s_client/error_text.h"
#include "k8s_client/file_descriptor.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/object_kinds.h"
#include "k8s_client/yaml_reader.h"

namespace k8s_client {
namespace {

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStamp to_stamp(const struct stat& status) {
    return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
            nanoseconds(status.st_ctim)};
}

ManifestFault manifest_fault(std::string why) {
    return {std::move(why), false};
}

struct StampedText {
    std::string text;
    FileStamp stamp;
};

tl::expected<StampedText, ManifestFault> read_text(const std::filesystem::path& file) {
    // Non-blocking, so that a pipe of that name cannot hold us up.
    const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat before {};
    if (!fd || fstat(fd.get(), &before) != 0) {
        return tl::unexpected(manifest_fault(error_text(errno)));
    }
    if (!S_ISREG(before.st_mode)) {
        return tl::unexpected(manifest_fault("not a file"));
    }
    if (static_cast<std::uint64_t>(before.st_size) > kMaxManifestSize) {
        return tl::unexpected(manifest_fault("larger than the limit of 64 MiB"));
    }
    std::string text(static_cast<std::size_t>(before.st_size), '\0');
    std::size_t got = 0;
    while (got < text.size()) {
        const ssize_t n = read(fd.get(), text.data() + got, text.size() - got);
        if (n < 0 && errno != EINTR) {
            return tl::unexpected(manifest_fault(error_text(errno)));
        }
        if (n == 0) {
            break;
        }
        got += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    struct stat after {};
    if (got != text.size() || fstat(fd.get(), &after) != 0 || to_stamp(before) != to_stamp(after)) {
        return tl::unexpected(ManifestFault{"changed while it was read", true});
    }
    return StampedText{std::move(text), to_stamp(before)};
}

std::string_view without_mark(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

class ContentReceiver : public ObjectReceiver {
  public:
    explicit ContentReceiver(const std::atomic<bool>& stop) : stop_(stop) {}

    void take(Object object, std::size_t document) override {
        if (auto* ns = std::get_if<Namespace>(&object)) {
            set_name_label(*ns);
        }
        content.objects.push_back({std::move(object), document});
    }
    void skip(const std::string& message) override {
        if (++content.skipped_objects <= kShown) {
            content.skipped.push_back(message);
        }
    }
    void pass_over(std::string_view kind) override {
        std::string name(kind);
        if (content.passed_over.size() >= kShown && !content.passed_over.contains(name)) {
            name = "other object";
        }
        ++content.passed_over[name];
    }
    bool wants_more() const override { return !stop_.load(std::memory_order_relaxed); }

    ManifestContent content;

  private:
    static constexpr std::size_t kShown = 100;  // of what an operator reads

    const std::atomic<bool>& stop_;
};

bool is_manifest_name(const std::filesystem::path& name) {
    const std::filesystem::path extension = name.extension();
    return !name.native().starts_with('.') &&
           (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return to_stamp(status);
}

tl::expected<ManifestContent, ManifestFault> read_manifest(const std::filesystem::path& file,
                                                           const std::atomic<bool>& stop) {
    const auto found = read_text(file);
    if (!found) {
        return tl::unexpected(found.error());
    }
    const std::string_view text = without_mark(found->text);
    ContentReceiver receiver(stop);
    receiver.content.stamp = found->stamp;
    ObjectDecoder decoder(receiver);
    const auto read =
        file.extension() == ".json" ? read_json(text, decoder) : read_yaml(text, decoder);
    if (!read) {
        return tl::unexpected(
            manifest_fault("line " + std::to_string(read.error().line) + ": " + read.error().why));
    }
    return std::move(receiver.content);
}

tl::expected<std::string, std::string> read_manifest_text(const std::filesystem::path& file) {
    auto found = read_text(file);
    if (!found) {
        return tl::unexpected(found.error().why);
    }
    return std::string(without_mark(found->text));
}

std::vector<std::filesystem::path> list_manifests(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder, error);
    while (!error && entry != std::filesystem::directory_iterator()) {
        if (is_manifest_name(entry->path().filename())) {
            files.push_back(entry->path());
        }
        entry.increment(error);
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace k8s_client
