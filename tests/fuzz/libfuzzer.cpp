// The targets for libFuzzer: `fuzz TARGET [OPTIONS OF LIBFUZZER] CORPUS...`
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/target.h"

namespace {

const fuzz::Target* chosen = nullptr;  // libFuzzer's interface has no place for it

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
    const auto targets = fuzz::targets();
    const std::string_view wanted = *argc > 1 ? (*argv)[1] : "";
    const auto found = std::find_if(targets.begin(), targets.end(),
                                    [&](const fuzz::Target& t) { return t.name == wanted; });
    if (found == targets.end()) {
        for (const fuzz::Target& target : targets) {
            std::printf("%.*s\n", static_cast<int>(target.name.size()), target.name.data());
        }
        std::exit(wanted == "--list" ? 0 : 2);
    }
    chosen = &*found;
    std::swap((*argv)[0], (*argv)[1]);
    ++*argv;
    --*argc;
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    chosen->run({octets, size});
    return 0;
}
