#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <string>

#include "server/worker.h"

namespace server {
namespace {

constexpr unsigned kMostWorkers = 4;

/// CPUs of the cgroup's quota, rounded up; `none` if it has no quota.
unsigned quota_cpus(unsigned none) {
    double quota = 0, period = 0;
    std::string first;
    if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> first >> period) {
        quota = first == "max" ? 0 : std::atof(first.c_str());
    } else {
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
    }
    if (quota <= 0 || period <= 0) {
        return none;
    }
    return static_cast<unsigned>(std::max(1.0, std::ceil(quota / period)));
}

}  // namespace

unsigned fitting_workers() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    const bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    const unsigned cpus = known ? static_cast<unsigned>(CPU_COUNT(&allowed)) : 1;
    return std::clamp(std::min(cpus, quota_cpus(cpus)), 1U, kMostWorkers);
}

}  // namespace server
