// The command line, with the flags of CoreDNS, and the Corefile that it names.
// Knows the flags and where a Corefile is by default; knows nothing of its content.
// Values and free functions; start-up only. Throws ConfigError.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "server/config.h"
#include "server/explanation.h"
#include "server/log_line.h"
#include "server/top_command.h"

namespace server {

/// `keryx explain NAME [TYPE]`
struct ExplainLine {
    ExplainRequest request;
    std::string server = "127.0.0.1:8182";  // who is asked, unless a Corefile is given
    bool json = false;
};

struct CommandLine {
    std::filesystem::path conf = "Corefile";
    bool conf_given = false;
    bool use_stdin = false;             // -conf stdin
    std::optional<std::uint16_t> port;  // -dns.port; 0: one free port for UDP and TCP
    std::filesystem::path pidfile;      // empty: none
    std::filesystem::path takeover;     // unix socket to take sockets over by; empty: none
    bool quiet = false;
    bool version = false;
    bool plugins = false;
    bool no_sandbox = false;
    bool check = false;                  // the subcommand
    std::optional<ExplainLine> explain;  // the subcommand
    std::optional<TopLine> top;          // the subcommand
    LogStyle log_style = LogStyle::Text;
    unsigned workers = 0;  // 0: what the Corefile says, else as many as fit the machine
    std::string help;      // not empty: asked for; print it and stop
};

/// A flag that is not known or not right; the process ends with code 2, as Go's programs do.
class UsageError : public ConfigError {
  public:
    using ConfigError::ConfigError;
};

/// `arguments` without the program's name. Throws UsageError.
CommandLine parse_command_line(std::span<const char* const> arguments);

/// Reads the Corefile; where none is named, and none is in the working folder, it is CoreDNS's own:
/// `whoami` and `log`. Throws ConfigError if it cannot be read.
LoadOptions read_corefile(const CommandLine& command_line);

/// What -plugins prints: one line per plugin.
std::string plugin_list();

}  // namespace server
