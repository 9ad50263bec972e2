#include "server/sandbox.h"

#include <iterator>

#include "server/privileges.h"
#include "server/syscall_filter.h"

namespace server {
namespace {

void prepend(std::vector<std::string>& lines) {
    for (std::string& line : lines) {
        line.insert(0, "sandbox: ");
    }
}

}  // namespace

std::vector<std::string> enter_sandbox() {
    std::vector<std::string> lines = give_up_privileges();
    if (!has_syscall_filter()) {
        // A leak checker reads the memory with ptrace(2): it is not hidden either.
        lines.emplace_back(
            "this build has no filter of system calls (a sanitizer, or the machine)");
    } else {
        auto refusals = hide_memory();
        std::move(refusals.begin(), refusals.end(), std::back_inserter(lines));
        if (const std::string why = install_syscall_filter(); !why.empty()) {
            lines.push_back("system calls are not filtered: " + why);
        }
    }
    prepend(lines);
    return lines;
}

std::vector<std::string> without_sandbox() {
    return {"sandbox: off (-no-sandbox): all system calls and capabilities are at hand"};
}

}  // namespace server
