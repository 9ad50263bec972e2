#include "tests/fuzz/target.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace fuzz {
namespace {

constexpr std::array kTargets{
    Target{"query", run_query},       Target{"reply", run_reply},
    Target{"tcp", run_tcp},           Target{"list", run_list},
    Target{"watch", run_watch},       Target{"yaml", run_yaml},
    Target{"corefile", run_corefile}, Target{"kubeconfig", run_kubeconfig},
    Target{"hosts", run_hosts},       Target{"template", run_template},
    Target{"snapshot", run_snapshot}, Target{"http", run_http},
    Target{"status", run_status},     Target{"text", run_text},
    Target{"details", run_details},
};

}  // namespace

std::span<const Target> targets() {
    return kTargets;
}

void require(bool holds, std::string_view why) {
    if (!holds) {
        std::fprintf(stderr, "oracle: %.*s\n", static_cast<int>(why.size()), why.data());
        std::abort();
    }
}

std::uint8_t Pieces::u8() {
    const Input taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken.front();
}

std::uint16_t Pieces::u16() {
    const auto high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
}

Input Pieces::take(std::size_t size) {
    const Input taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

std::string_view Pieces::until(char end) {
    const std::string_view all = text_of(rest_);
    const std::string_view taken = all.substr(0, all.find(end));
    take(taken.size() + 1);
    return taken;
}

MemoryFile::MemoryFile(std::string_view text)
    : fd_(memfd_create("fuzz", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    require(fd_ >= 0 && write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
            "no file in memory");
}

MemoryFile::~MemoryFile() {
    close(fd_);
}

}  // namespace fuzz
