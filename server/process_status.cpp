#include "server/process_status.h"

#include <array>
#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

namespace server {
namespace {

std::string file_text(const char* path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return std::move(text).str();
}

double cpu_seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// When the system was started, since 1970; 0 if it is not known.
double boot_time() {
    const std::string text = file_text("/proc/stat");
    const auto at = text.find("\nbtime ");
    return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + 7, nullptr);
}

/// Fields of /proc/self/stat, counted from 1 as in proc(5); 0 for what is not there.
template <std::size_t N>
std::array<double, N> status_fields(std::array<int, N> wanted) {
    const std::string text = file_text("/proc/self/stat");
    const auto end = text.rfind(')');  // of the second field, which may hold blanks
    std::istringstream fields(end == std::string::npos ? "" : text.substr(end + 1));
    std::array<double, N> found{};
    std::string field;
    for (int at = 3; fields >> field; ++at) {
        for (std::size_t i = 0; i < N; ++i) {
            if (wanted[i] == at) {
                found[i] = std::strtod(field.c_str(), nullptr);
            }
        }
    }
    return found;
}

void read_memory(std::vector<Sample>& samples) {
    const auto [octets, pages] = status_fields(std::array{23, 24});
    samples.push_back({&metric::kVirtualMemory, {}, octets});
    samples.push_back(
        {&metric::kResidentMemory, {}, pages * static_cast<double>(sysconf(_SC_PAGESIZE))});
}

void read_descriptors(std::vector<Sample>& samples) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
    if (folder != nullptr) {
        double count = -3;  // `.`, `..`, and the folder itself while it is read
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else reads this folder's stream
        while (readdir(folder.get()) != nullptr) {
            ++count;
        }
        samples.push_back({&metric::kOpenFds, {}, count});
    }
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        samples.push_back({&metric::kMaxFds, {}, static_cast<double>(limit.rlim_cur)});
    }
}

}  // namespace

void read_process_status(std::vector<Sample>& samples) {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        samples.push_back(
            {&metric::kCpuSeconds, {}, cpu_seconds(usage.ru_utime) + cpu_seconds(usage.ru_stime)});
    }
    read_memory(samples);
    read_descriptors(samples);
}

double process_start_time() {
    const auto [ticks] = status_fields(std::array{22});
    return boot_time() + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace server
