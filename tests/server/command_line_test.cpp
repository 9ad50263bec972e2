#include "server/command_line.h"

#include <initializer_list>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;

CommandLine parsed(std::initializer_list<const char*> arguments) {
    const std::vector<const char*> list(arguments);
    return parse_command_line(list);
}

TEST_CASE("command line: defaults") {
    const CommandLine line = parsed({});
    CHECK(line.conf == "Corefile");
    CHECK(!line.conf_given);
    CHECK(!line.use_stdin);
    CHECK(!line.port);
    CHECK(line.pidfile.empty());
    CHECK(!line.quiet);
    CHECK(!line.version);
    CHECK(!line.plugins);
    CHECK(line.workers == 0);
    CHECK(line.help.empty());
}

TEST_CASE("command line: top") {
    CHECK(!parsed({}).top);
    REQUIRE(parsed({"top"}).top);
    CHECK(parsed({"top"}).top->server == "127.0.0.1:8182");
    CHECK(parsed({"top"}).top->most == 10);
    const auto line = parsed({"top", "-server", "[::1]:1", "-n", "5", "-o", "json", "-once"}).top;
    REQUIRE(line);
    CHECK(line->server == "[::1]:1");
    CHECK(line->most == 5);
    CHECK(line->json);
    CHECK(line->once);
    CHECK(parsed({"top", "-n=7", "-server=x:1"}).top->most == 7);
    CHECK(parsed({"top", "-help"}).help.find("no server answers") != std::string::npos);
    CHECK_THROWS_AS(parsed({"top", "-n", "0"}), UsageError);
    CHECK_THROWS_AS(parsed({"top", "-n", "101"}), UsageError);
    CHECK_THROWS_AS(parsed({"top", "-o", "xml"}), UsageError);
    CHECK_THROWS_AS(parsed({"-once"}), UsageError);
}

TEST_CASE("command line: flags with one dash or two") {
    CHECK(parsed({"-conf", "/etc/coredns/Corefile"}).conf == "/etc/coredns/Corefile");
    CHECK(parsed({"-conf", "x"}).conf_given);
    CHECK(parsed({"--conf", "x"}).conf == "x");
    CHECK(parsed({"-conf=x=y"}).conf == "x=y");
    CHECK(parsed({"--conf=x"}).conf == "x");
    CHECK(!parsed({"-conf", "x"}).use_stdin);
    CHECK(parsed({"-conf", "stdin"}).use_stdin);
    CHECK(parsed({"-dns.port", "1053"}).port == 1053);
    CHECK(parsed({"-dns.port=0"}).port == 0);
    CHECK(parsed({"--dns.port=65535"}).port == 65535);
    CHECK(parsed({"-p", "1053"}).port == 1053);
    CHECK(parsed({"-p=1053"}).port == 1053);
    CHECK(parsed({"-pidfile", "/run/keryx.pid"}).pidfile == "/run/keryx.pid");
    CHECK(parsed({"-plugins"}).plugins);
    CHECK(parsed({"-version"}).version);
    CHECK(parsed({"-quiet"}).quiet);
    CHECK(!parsed({}).no_sandbox);
    CHECK(parsed({"-no-sandbox"}).no_sandbox);
    CHECK(parsed({"-quiet=false"}).quiet == false);
    CHECK(parsed({}).log_style == LogStyle::Text);
    CHECK(parsed({"-log-format", "json"}).log_style == LogStyle::Json);
    CHECK(parsed({"-log-format=text"}).log_style == LogStyle::Text);
    CHECK_THROWS_AS(parsed({"-log-format", "xml"}), UsageError);
    CHECK(parsed({"-workers", "3"}).workers == 3);
    const CommandLine all = parsed({"-quiet", "-conf", "c", "-dns.port", "5", "-workers=2"});
    CHECK(all.quiet);
    CHECK(all.conf == "c");
    CHECK(all.port == 5);
    CHECK(all.workers == 2);
}

TEST_CASE("command line: help") {
    for (const char* flag : {"-h", "-help", "--help"}) {
        CAPTURE(flag);
        CHECK(parsed({flag}).help.find("--conf") != std::string::npos);
    }
}

TEST_CASE("command line: the subcommand, flags before and after it") {
    CHECK(!parsed({"-conf", "x"}).check);
    CHECK(parsed({"check"}).check);
    CHECK(parsed({"check", "-conf", "stdin"}).use_stdin);
    const CommandLine both = parsed({"-dns.port", "1053", "check", "-conf=x"});
    CHECK(both.check);
    CHECK(both.conf == "x");
    CHECK(both.port == 1053);
    CHECK_THROWS_AS(parsed({"check", "Corefile"}), UsageError);
    CHECK_THROWS_AS(parsed({"check", "-nosuch"}), UsageError);
    CHECK(parsed({"check", "-help"}).help.find("--conf") != std::string::npos);
}

TEST_CASE("command line: what is refused") {
    const std::vector<std::vector<const char*>> cases = {
        {"-frobnicate"},    {"-conf"},      {"-dns.port", "65536"}, {"-dns.port", "-1"},
        {"-dns.port", "x"}, {"-dns.port="}, {"-workers", "0"},      {"-workers", "1025"},
        {"-workers", "-1"}, {"Corefile"},   {"-quiet", "x"},        {"-conf", "a", "-conf", "b"},
    };
    for (const auto& arguments : cases) {
        CAPTURE(arguments.front());
        CHECK_THROWS_AS(parse_command_line(arguments), UsageError);
    }
}

TEST_CASE("command line: the Corefile is read") {
    const ScratchFolder folder;
    const auto file = folder.write("Corefile", ".:53 {\n}\n");
    CommandLine line;
    line.conf = file;
    line.conf_given = true;
    LoadOptions options = read_corefile(line);
    CHECK(options.text == ".:53 {\n}\n");
    CHECK(options.file == file.string());
    CHECK(options.folder == folder.path());
    CHECK(options.default_port == 53);
    line.port = 1053;
    CHECK(read_corefile(line).default_port == 1053);
}

TEST_CASE("command line: where nobody gives a Corefile it is CoreDNS's own") {
    const ScratchFolder folder;
    CommandLine line;
    line.conf = folder.path() / "none";
    line.port = 1053;
    const Config config = load_config(read_corefile(line));
    REQUIRE(config.blocks.size() == 1);
    CHECK(config.blocks[0].whoami);
    CHECK(config.blocks[0].logs.size() == 1);
    CHECK(config.blocks[0].keys.at(0).zone.is_root());
    CHECK(config.blocks[0].keys[0].listens == std::vector<Listen>{{"", 1053}});
    line.conf = folder.path();  // there, but no file
    CHECK_THROWS_AS(read_corefile(line), ConfigError);
}

TEST_CASE("command line: a Corefile that cannot be read") {
    const ScratchFolder folder;
    CommandLine line;
    line.conf = folder.path() / "none";
    const std::string reason = line.conf.string() + ": No such file or directory";
    line.conf_given = true;
    CHECK_THROWS_WITH_AS(read_corefile(line), ("cannot read the Corefile: " + reason).c_str(),
                         ConfigError);
    line.conf = folder.path();
    CHECK_THROWS_WITH_AS(
        read_corefile(line),
        ("cannot read the Corefile: " + folder.path().string() + " is a folder").c_str(),
        ConfigError);
}

TEST_CASE("command line: the list of plugins") {
    const std::string list = plugin_list();
    CHECK(list.starts_with("dns.acl\ndns.any\ndns.bind\n"));
    CHECK(list.find("dns.kubernetes\n") != std::string::npos);
    CHECK(list.find("dns.dns64") == std::string::npos);
}

}  // namespace
}  // namespace server
