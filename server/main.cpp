// The program: reads the command line and does what it says.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <malloc.h>

#include "server/announcement.h"
#include "server/check.h"
#include "server/command_line.h"
#include "server/descriptor_table.h"
#include "server/explain_command.h"
#include "server/process.h"
#include "server/sandbox.h"
#include "server/top_command.h"

namespace {

void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        std::printf("%s\n", line.c_str());
    }
}

int run(int argc, char** argv) {
    const auto command_line = server::parse_command_line({argv + std::min(argc, 1), argv + argc});
    if (!command_line.help.empty()) {
        std::fputs(command_line.help.c_str(), stdout);
    } else if (command_line.version) {
        print(server::version_lines());
    } else if (command_line.plugins) {
        std::fputs(server::plugin_list().c_str(), stdout);
    } else if (command_line.explain) {
        return server::run_explain(command_line);
    } else if (command_line.top) {
        return server::run_top(*command_line.top);
    } else if (command_line.check) {
        print(server::check(command_line));
    } else {
        server::reserve_descriptor_table();
        const server::Signals signals;
        const auto notices =
            command_line.no_sandbox ? server::without_sandbox() : server::enter_sandbox();
        server::Process(command_line, signals, notices).run();
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // Queries allocate nothing; what readers of the API free is to serve them again, whichever
    // asks.
    mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe): there is one thread yet
    try {
        return run(argc, argv);
    } catch (const server::UsageError& error) {
        std::fprintf(stderr, "keryx: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "keryx: %s\n", error.what());
        return 1;
    }
}
