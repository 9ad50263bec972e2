// What the fuzzers have found worth keeping, as ordinary tests of every build.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <doctest/doctest.h>

#include "tests/fuzz/target.h"

namespace {

std::vector<std::filesystem::path> inputs_of(std::string_view target) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(KERYX_CORPUS) / target)) {
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

TEST_CASE("every target has a corpus, and each of its inputs passes its oracle") {
    for (const fuzz::Target& target : fuzz::targets()) {
        const auto files = inputs_of(target.name);
        CHECK(files.size() >= 5);
        target.run({});  // where libFuzzer begins
        for (const auto& file : files) {
            std::ifstream in(file, std::ios::binary);
            REQUIRE(in.good());
            const std::vector<char> octets{std::istreambuf_iterator<char>(in), {}};
            INFO("input ", file.string());  // printed too if it aborts
            const std::vector<std::uint8_t> input(octets.begin(), octets.end());
            target.run(input);
        }
    }
}
