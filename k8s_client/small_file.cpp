#include "k8s_client/small_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "k8s_client/error_text.h"
#include "k8s_client/file_descriptor.h"

namespace k8s_client {

tl::expected<Secret, std::string> read_small_file(const std::filesystem::path& file) {
    // Non-blocking, so that a pipe of that name cannot hold us up.
    const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) {
        return tl::unexpected(error_text(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(std::string("not a file"));
    }
    constexpr std::size_t kPiece = 4096;
    Secret::Octets text;  // the only place that the octets pass through
    for (;;) {
        const std::size_t size = text.size();
        text.resize(size + kPiece);
        const ssize_t n = read(fd.get(), text.data() + size, kPiece);
        if (n < 0 && errno != EINTR) {
            return tl::unexpected(error_text(errno));
        }
        text.resize(size + (n > 0 ? static_cast<std::size_t>(n) : 0));
        if (n == 0) {
            return Secret(std::move(text));
        }
        if (text.size() > kMaxSmallFile) {
            return tl::unexpected(std::string("larger than the limit of 1 MiB"));
        }
    }
}

}  // namespace k8s_client
