// The targets for libFuzzer: `fuzz TARGET [OPTIONS OF LIBFUZZER] CORPUS...`
// What makes a target fail goes beside this program, if no -artifact_prefix says where: never into
// the folder in which it was called, which may be that of the sources.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

const fuzz::Target* chosen = nullptr;  // libFuzzer's interface has no place for it

/// With `-artifact_prefix` unless it is there.
void keep_findings_beside(int& argc, char**& argv) {
    static std::string prefix;
    static std::vector<char*> with_prefix;
    const auto is_prefix = [](std::string_view one) {
        return one.starts_with("-artifact_prefix=");
    };
    if (std::any_of(argv, argv + argc, is_prefix)) {
        return;
    }
    const std::string program = argv[0];
    prefix = "-artifact_prefix=" + program.substr(0, program.rfind('/') + 1) +
             std::string(chosen->name) + "-";
    with_prefix.assign(argv, argv + argc);
    with_prefix.push_back(prefix.data());
    ++argc;
    with_prefix.push_back(nullptr);
    argv = with_prefix.data();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    const auto targets = fuzz::targets();
    const auto find = [&](std::string_view wanted) {
        return std::find_if(targets.begin(), targets.end(),
                            [&](const fuzz::Target& t) { return t.name == wanted; });
    };
    // Processes that libFuzzer starts, to merge, get its options only.
    constexpr const char* kOfParent = "KERYX_FUZZ_TARGET";
    const std::string_view wanted = *argc > 1 ? (*argv)[1] : "";
    const char* const of_parent = std::getenv(kOfParent);
    auto found = find(wanted);
    const bool named = found != targets.end();
    if (!named && of_parent != nullptr && wanted != "--list") {
        found = find(of_parent);
    }
    if (found == targets.end()) {
        for (const fuzz::Target& target : targets) {
            std::printf("%.*s\n", static_cast<int>(target.name.size()), target.name.data());
        }
        std::exit(wanted == "--list" ? 0 : 2);
    }
    chosen = &*found;
    if (named) {
        setenv(kOfParent, std::string(chosen->name).c_str(), 1);
        std::swap((*argv)[0], (*argv)[1]);
        ++*argv;
        --*argc;
    }
    keep_findings_beside(*argc, *argv);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    chosen->run({octets, size});
    return 0;
}
