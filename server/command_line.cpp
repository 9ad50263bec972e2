#include "server/command_line.h"

#include <iostream>
#include <iterator>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "server/config_files.h"

namespace server {
namespace {

/// As CoreDNS does where nobody gives it a Corefile.
constexpr std::string_view kWithoutCorefile = ". {\n    whoami\n    log\n}\n";

constexpr char kFooter[] = R"(Flags may have one dash, as CoreDNS has them: -conf FILE, -conf=FILE.

Corefile:
  That of -conf, else ./Corefile; where there is neither it is ". { whoami log }".
  Relative paths in it start from its folder.

Signals:
  SIGTERM, SIGINT   not ready at once, lameduck, then an orderly end; again: no lameduck
  SIGUSR1           load the Corefile again; if it is wrong the old one goes on
  SIGHUP            ignored

Exit status:
  0   ended as told; check: the Corefile is valid; explain: found
  1   cannot start; check: what is wrong is on standard error; explain: not found
  2   a flag that is not known or not right; explain: nothing can be said; top: no
      server answers)";

constexpr char kExplainFooter[] =
    R"(With -conf FILE no server is asked: the manifests of that Corefile are read, or its API server.

Exit status:
  0   the name has such a record
  1   it has none; the findings say why
  2   nothing can be said: no server, a wrong name, a wrong Corefile)";

constexpr char kTopFooter[] =
    R"(q or Ctrl-C ends it. The counts are of the last one to two minutes.

Exit status:
  0   shown
  2   no server answers)";

/// Go's flag package takes one dash or two before a long name; CLI11 only two.
std::string with_two_dashes(std::string_view argument) {
    const bool one_dash = argument.size() > 2 && argument[0] == '-' && argument[1] != '-';
    return (one_dash ? "-" : "") + std::string(argument);
}

void add_options(CLI::App& app, CommandLine& out, std::string& conf, std::string& pidfile,
                 std::string& takeover) {
    app.add_option("--conf", conf, "Corefile to load; stdin reads it from standard input")
        ->type_name("FILE");
    app.add_option("--dns.port,--p,-p", out.port,
                   "port where the Corefile names none; 0: a free one")
        ->type_name("PORT");
    app.add_option_function<std::string>(
           "--log-format",
           [&out](const std::string& text) {
               out.log_style = text == "json" ? LogStyle::Json : LogStyle::Text;
           },
           "how lines are written: as CoreDNS has them, or each as a JSON object")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_flag("--no-sandbox", out.no_sandbox,
                 "keep all capabilities and system calls; for debuggers, and where the log says "
                 "that a call was refused");
    app.add_option("--pidfile", pidfile, "file to write the process id to")->type_name("FILE");
    app.add_flag("--plugins", out.plugins, "list the plugins");
    app.add_flag("--quiet", out.quiet, "do not say where it listens, nor its version");
    app.add_option("--takeover", takeover,
                   "unix socket by which the next process takes the sockets of the running one")
        ->type_name("PATH");
    app.add_flag("--version", out.version, "show the version, and how it was built");
    app.add_option("--workers", out.workers, "threads that answer queries")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
}

CLI::App* add_explain(CLI::App& app, ExplainLine& out, std::string& format) {
    CLI::App* const explain =
        app.add_subcommand("explain", "say what a pod is answered for a name, and why")
            ->fallthrough();
    explain->footer(kExplainFooter);
    explain
        ->add_option("NAME", out.request.name,
                     "as a pod would write it: kubia, kubia.prod, NAME:PORT, an address")
        ->required()
        ->type_name("");
    explain->add_option("TYPE", out.request.type, "of records; A, or PTR of an address")
        ->type_name("");
    explain->add_option("--from", out.request.from, "address of the pod that asks")
        ->type_name("POD-IP");
    explain->add_option("--namespace,-n", out.request.ns, "namespace of the pod that asks")
        ->type_name("NS");
    explain->add_option("--output,-o", format, "text, or json for programs")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    explain
        ->add_option("--server", out.server,
                     "where `status` of a running server listens; 127.0.0.1:8182")
        ->type_name("ADDR");
    return explain;
}

CLI::App* add_top(CLI::App& app, TopLine& out, std::string& format) {
    CLI::App* const top = app.add_subcommand("top", "who asks what, live: asks a running server");
    top->footer(kTopFooter);
    top->add_option("--server", out.server,
                    "where `status` of a running server listens; 127.0.0.1:8182")
        ->type_name("ADDR");
    top->add_option("-n,--n", out.most, "how many of each list; 10")
        ->type_name("N")
        ->check(CLI::Range(1, 100));
    top->add_option("-o,--o,--output", format, "text, or json for programs")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    top->add_flag("--once", out.once, "print once and end, as where the output is no terminal");
    return top;
}

std::string read_stdin() {
    std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    if (text.size() > kMaxConfigFile) {
        throw ConfigError("stdin: the Corefile is larger than 1 MiB");
    }
    return text;
}

}  // namespace

CommandLine parse_command_line(std::span<const char* const> arguments) {
    CLI::App app("Keryx, the DNS server of a Kubernetes cluster", "keryx");
    app.footer(kFooter);
    const CLI::App* const check =
        app.add_subcommand("check", "validate the Corefile and say what it does; serves nothing")
            ->fallthrough();
    CommandLine out;
    std::string conf;
    std::string pidfile;
    std::string takeover;
    add_options(app, out, conf, pidfile, takeover);
    ExplainLine line;
    std::string format = "text";
    const CLI::App* const explain = add_explain(app, line, format);
    TopLine top_line;
    std::string top_format = "text";
    const CLI::App* const top = add_top(app, top_line, top_format);
    const std::string help = app.help();  // once parsed, it would be the subcommand's
    std::vector<std::string> rewritten;   // CLI11 takes them in reverse
    for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
        rewritten.push_back(with_two_dashes(*argument));
    }
    try {
        app.parse(std::move(rewritten));
    } catch (const CLI::CallForHelp&) {
        out.help = explain->parsed() ? explain->help("keryx")
                   : top->parsed()   ? top->help("keryx")
                                     : help;
    } catch (const CLI::ParseError& error) {
        throw UsageError(std::string(error.what()) + "; run keryx -help to see the flags");
    }
    out.check = check->parsed();
    if (explain->parsed()) {
        line.json = format == "json";
        out.explain = std::move(line);
    }
    if (top->parsed()) {
        top_line.json = top_format == "json";
        out.top = std::move(top_line);
    }
    out.conf_given = !conf.empty();
    out.use_stdin = conf == "stdin";
    if (out.conf_given) {
        out.conf = conf;
    }
    out.pidfile = pidfile;
    out.takeover = takeover;
    return out;
}

LoadOptions read_corefile(const CommandLine& command_line) {
    LoadOptions options;
    options.default_port = command_line.port.value_or(options.default_port);
    if (command_line.use_stdin) {
        options.file = "stdin";
        options.text = read_stdin();
        return options;
    }
    if (!command_line.conf_given && !std::filesystem::exists(command_line.conf)) {
        options.file = "(no Corefile)";
        options.text = kWithoutCorefile;
        return options;
    }
    auto text = read_text_file(command_line.conf);
    if (!text) {
        throw ConfigError("cannot read the Corefile: " + text.error());
    }
    options.text = std::move(*text);
    options.file = command_line.conf.string();
    if (command_line.conf.has_parent_path()) {
        options.folder = command_line.conf.parent_path();
    }
    return options;
}

std::string plugin_list() {
    std::string list;
    for (const std::string_view name : plugin_names()) {
        list += "dns." + std::string(name) + "\n";
    }
    return list;
}

}  // namespace server
