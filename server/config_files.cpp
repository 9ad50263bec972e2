#include "server/config_files.h"

#include <cerrno>
#include <fstream>
#include <glob.h>
#include <system_error>

#include "k8s_client/error_text.h"

namespace server {

tl::expected<std::string, std::string> read_text_file(const std::filesystem::path& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        return tl::unexpected(path.string() + " is a folder");
    }
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        return tl::unexpected(path.string() + ": " + k8s_client::error_text(errno));
    }
    std::string text(kMaxConfigFile + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) {
        return tl::unexpected(path.string() + ": " + k8s_client::error_text(errno));
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > kMaxConfigFile) {
        return tl::unexpected(path.string() + " is larger than 1 MiB");
    }
    return text;
}

std::vector<std::filesystem::path> find_files(const std::filesystem::path& pattern) {
    glob_t found{};
    std::vector<std::filesystem::path> files;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): without GLOB_TILDE it reads no environment
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    return files;
}

}  // namespace server
