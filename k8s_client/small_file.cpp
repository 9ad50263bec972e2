#include "k8s_client/small_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "k8s_client/file_descriptor.h"

namespace k8s_client {

tl::expected<std::string, std::string> read_small_file(const std::filesystem::path& file) {
    const auto error_text = [] { return std::generic_category().message(errno); };
    // Non-blocking, so that a pipe of that name cannot hold us up.
    const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd || fstat(fd.get(), &status) != 0) {
        return tl::unexpected(error_text());
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(std::string("not a file"));
    }
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno != EINTR) {
            return tl::unexpected(error_text());
        }
        if (n == 0) {
            return text;
        }
        text.append(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        if (text.size() > kMaxSmallFile) {
            return tl::unexpected(std::string("larger than the limit of 1 MiB"));
        }
    }
}

}  // namespace k8s_client
