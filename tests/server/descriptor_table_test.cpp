#include "server/descriptor_table.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <sys/resource.h>

#include <doctest/doctest.h>

namespace {

/// How many descriptors the kernel has room for, without another table.
std::size_t room() {
    std::ifstream status("/proc/self/status");
    std::size_t size = 0;
    for (std::string word; status >> word && word != "FDSize:";) {
    }
    status >> size;
    return size;
}

}  // namespace

TEST_CASE("the table of descriptors has room for what connections need") {
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    server::reserve_descriptor_table();
    CHECK(room() >= std::min<rlim_t>(limit.rlim_cur, server::kDescriptors));
}
