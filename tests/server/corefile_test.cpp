#include "server/corefile.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include <doctest/doctest.h>

#include "server/config_error.h"
#include "server/config_files.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;

void show(const Directive& directive, std::string& out) {
    out += directive.name;
    for (const std::string& arg : directive.args) {
        out += " " + arg;
    }
    if (directive.has_block) {
        out += " [";
        for (const Directive& line : directive.block) {
            show(line, out);
        }
        out += "]";
    }
    out += ";";
}

std::string corefile_text(const Corefile& corefile) {
    std::string out;
    for (const CorefileBlock& block : corefile.blocks) {
        for (const Key& key : block.keys) {
            out += key.text + " ";
        }
        out += "{";
        for (const Directive& directive : block.directives) {
            show(directive, out);
        }
        out += "}";
    }
    return out;
}

std::string parsed_corefile(std::string_view text, const std::filesystem::path& folder = ".") {
    try {
        return corefile_text(parse_corefile(text, "Corefile", folder));
    } catch (const ConfigError& error) {
        return error.what();
    }
}

struct CorefileCase {
    std::string_view text;
    std::string_view result;
};

void check_parsed(std::span<const CorefileCase> cases) {
    for (const CorefileCase& c : cases) {
        CAPTURE(c.text);
        CHECK(parsed_corefile(c.text) == c.result);
    }
}

TEST_CASE("server blocks, keys and directives") {
    const CorefileCase cases[] = {
        {"", ""},
        {"# nothing\n", ""},
        {". {\n}", ". {}"},
        {".:53 {\n errors\n forward . 1.1.1.1\n}", ".:53 {errors;forward . 1.1.1.1;}"},
        {"a b {\n errors\n}", "a b {errors;}"},
        {"a, b,\nc {\n errors\n}", "a b c {errors;}"},
        {"a\n{\n errors\n}", "a {errors;}"},
        {"a {\n}\nb {\n}", "a {}b {}"},
        {"a {\n} b {\n}", "a {}b {}"},
        {"a { errors\n}", "a {errors;}"},
        {"a { }", "a {}"},
        {"example.org", "example.org {}"},
        {"a:53\nerrors\nforward . 1.1.1.1\n", "a:53 {errors;forward . 1.1.1.1;}"},
        {"\"\" a {\n}", "a {}"},
    };
    check_parsed(cases);
}

TEST_CASE("nested blocks") {
    const CorefileCase cases[] = {
        {"a {\n health {\n lameduck 5s\n }\n ready\n}", "a {health [lameduck 5s;];ready;}"},
        {"a {\n errors {\n }\n}", "a {errors [];}"},
        {"a {\n errors { }\n}", "a {errors [];}"},
        {"a {\n health { lameduck 5s\n }\n}", "a {health [lameduck 5s;];}"},
        {"a {\n x y {\n z {\n w\n }\n v\n }\n}", "a {x y [z [w;];v;];}"},
        {"a {\n log . {combined}\n}", "a {log . {combined};}"},
        {"a {\n log \"two words\"\n}", "a {log two words;}"},
        {"a {\n x \"1\n2\" y\n z\n}", "a {x 1\n2 y;z;}"},
    };
    check_parsed(cases);
}

TEST_CASE("every directive knows its file and line") {
    const Corefile corefile =
        parse_corefile("a,\nb {\n\n errors\n health {\n  lameduck 5s\n }\n}\n", "Corefile", ".");
    REQUIRE(corefile.blocks.size() == 1);
    const CorefileBlock& block = corefile.blocks[0];
    REQUIRE(block.keys.size() == 2);
    REQUIRE(block.directives.size() == 2);
    CHECK(block.keys[0].at.line == 1);
    CHECK(block.keys[1].at.line == 2);
    CHECK(block.directives[0].at.line == 4);
    CHECK(block.directives[0].at.file == "Corefile");
    REQUIRE(block.directives[1].block.size() == 1);
    CHECK(block.directives[1].block[0].at.line == 6);
}

TEST_CASE("malformed files are refused with file and line") {
    const CorefileCase cases[] = {
        {"}", "Corefile:1: expected the zone of a server block: read '}'"},
        {"{\n}", "Corefile:1: expected the zone of a server block: read '{'"},
        {"\na, {\n}", "Corefile:2: expected the zone of a server block: read '{'"},
        {"a,", "Corefile:1: expected another zone after ','"},
        {"a,\nb,\n", "Corefile:2: expected another zone after ','"},
        {"a{\nerrors\n}", "Corefile:1: '{' needs a blank before it: read 'a{'"},
        {"a {\nhealth{\n}\n}", "Corefile:2: '{' needs a blank before it: read 'health{'"},
        {"a {\n errors\n", "Corefile:1: this '{' is never closed"},
        {"a {\n health {\n errors\n", "Corefile:2: this '{' is never closed"},
        {"a {\n}\n}", "Corefile:3: expected the zone of a server block: read '}'"},
        {"a\nerrors\n}", "Corefile:3: this '}' closes nothing"},
        {"a {\n health\n {\n }\n}", "Corefile:3: '{' must stand on the line of its directive"},
        {"a {\n errors }", "Corefile:2: '}' must stand on a line of its own"},
        {"a {\n health { lameduck 5s }\n}", "Corefile:2: '}' must stand on a line of its own"},
        {"a {\n health {\n } x\n}", "Corefile:3: nothing may follow '}' on its line: read 'x'"},
        {"a {\n \"x", "Corefile:2: this quote is never closed: read '\"x'"},
    };
    check_parsed(cases);
    std::string deep = "a {\n";
    for (int i = 0; i < 17; ++i) {
        deep += "x {\n";
    }
    CHECK(parsed_corefile(deep) == "Corefile:18: blocks are nested too deeply");
}

TEST_CASE("snippets") {
    const CorefileCase cases[] = {
        {"(s) {\n errors\n log\n}\na {\n import s\n ready\n}", "a {errors;log;ready;}"},
        {"(s) { errors }\na {\n import s\n}\nb {\n import s\n import s\n}",
         "a {errors;}b {errors;errors;}"},
        {"(s) {\n health {\n lameduck 1s\n }\n}\na {\n import s\n}", "a {health [lameduck 1s;];}"},
        {"(s) {\n lameduck 1s\n}\na {\n health {\n import s\n }\n}", "a {health [lameduck 1s;];}"},
        {"(s) {\n errors\n}\n(t) {\n import s\n log\n}\na {\n import t\n}", "a {errors;log;}"},
        {"(s) { errors }\n(t) { import s }\na {\n import t\n}", "a {errors;}"},
        {"(s) {\n b {\n errors\n }\n}\nimport s\n", "b {errors;}"},
        {"(s) {\n}\na {\n import s\n}", "a {}"},
        {"(s)\nerrors", "Corefile:1: a snippet needs braces: read '(s)'"},
        {"(s) {\n errors\n", "Corefile:1: this snippet is never closed: read '(s)'"},
        {"(s) {\n}\n(s) {\n}", "Corefile:3: this snippet is already defined: read 's'"},
        {"(s) {\n import s\n}\na {\n import s\n}",
         "Corefile:2: this import contains itself: read '(s)'"},
        {"(s) {\n import s\n errors\n}\na {\n import s\n}",
         "Corefile:2: this import contains itself: read '(s)'"},
    };
    check_parsed(cases);
}

TEST_CASE("imports are relative to the file they stand in") {
    const ScratchFolder folder;
    folder.write("custom/a.override", "errors # one\n");
    folder.write("custom/b.override", "health {\n lameduck 1s\n}");
    folder.write("custom/.hidden.override", "nonsense");
    folder.write("custom/more.server", "b.org {\n import sub/x\n}\n");
    folder.write("custom/sub/x", "log");
    CHECK(parsed_corefile("a {\n import custom/*.override\n ready\n}\nimport custom/*.server\n",
                          folder.path()) == "a {errors;health [lameduck 1s;];ready;}b.org {log;}");
    const std::string absolute = (folder.path() / "custom/sub/x").string();
    CHECK(parsed_corefile("a {\n import " + absolute + "\n}") == "a {log;}");
    ::setenv("KERYX_TEST_DIR", "custom", 1);
    CHECK(parsed_corefile("a {\n import {$KERYX_TEST_DIR}/a.override\n}", folder.path()) ==
          "a {errors;}");
}

TEST_CASE("a position in an imported file names that file") {
    const ScratchFolder folder;
    const auto file = folder.write("inner", "\nhealth {\n");
    CHECK(parsed_corefile("a {\n import inner\n", folder.path()) ==
          file.string() + ":2: this '{' is never closed");
}

TEST_CASE("a glob that matches nothing is noted, a file that is absent refused") {
    const ScratchFolder folder;
    const Corefile corefile =
        parse_corefile("a {\n import custom/*.override\n}", "Corefile", folder.path());
    CHECK(corefile_text(corefile) == "a {}");
    REQUIRE(corefile.notices.size() == 1);
    CHECK(corefile.notices[0] == "Corefile:2: no file matches import custom/*.override");
    CHECK(parsed_corefile("(s) {\n}\na {\n import custom/x\n}", folder.path()) ==
          "Corefile:4: cannot import: " + (folder.path() / "custom/x").string() +
              ": No such file or directory: read 'custom/x'; known: s");
    CHECK(parsed_corefile("import .", folder.path()).find(" is a folder: read '.'") !=
          std::string::npos);
    const CorefileCase cases[] = {
        {"a {\n import\n}", "Corefile:2: import needs a file, a glob or the name of a snippet"},
        {"a {\n import \"\"\n}",
         "Corefile:2: import needs a file, a glob or the name of a snippet"},
        {"a {\n import x y\n}", "Corefile:2: import takes only one argument: read 'y'"},
        {"a {\n import */*\n}", "Corefile:2: an import may have only one wildcard: read '*/*'"},
        {"a {\n import [ab]\n}", "Corefile:2: an import may have only one wildcard: read '[ab]'"},
    };
    check_parsed(cases);
}

TEST_CASE("imports cannot run in circles, too deep or too wide") {
    const ScratchFolder folder;
    const std::string self = folder.write("self", "import self\n").string();
    CHECK(parsed_corefile("import self", folder.path()) ==
          self + ":1: this import contains itself: read '" + self + "'");
    folder.write("one", "import two\n");
    const std::string two = folder.write("two", "import one\nlog\n").string();
    CHECK(parsed_corefile("a {\nimport one\n}", folder.path()) ==
          two + ":1: this import contains itself: read '" + (folder.path() / "one").string() + "'");
    for (int i = 0; i < 40; ++i) {
        folder.write("deep" + std::to_string(i), "import deep" + std::to_string(i + 1));
    }
    CHECK(parsed_corefile("import deep0", folder.path()).find("imports are nested too deeply") !=
          std::string::npos);
    std::string bomb = "(s0) {\nx x x x x x x x x x\n}\n";
    for (int i = 1; i < 12; ++i) {
        bomb += "(s" + std::to_string(i) + ") {\n";
        for (int k = 0; k < 10; ++k) {
            bomb += "import s" + std::to_string(i - 1) + "\n";
        }
        bomb += "}\n";
    }
    CHECK(parsed_corefile(bomb + "a {\nimport s11\n}").find("have too many words") !=
          std::string::npos);
}

TEST_CASE("files beyond the limit are refused") {
    const ScratchFolder folder;
    folder.write("full", std::string(kMaxConfigFile, ' '));
    folder.write("large", std::string(kMaxConfigFile + 1, ' '));
    CHECK(parsed_corefile("import full", folder.path()) == "");
    CHECK(parsed_corefile("import large", folder.path()).find("large is larger than 1 MiB") !=
          std::string::npos);
}

TEST_CASE("garbage never breaks the parser") {
    static constexpr std::string_view kPieces[] = {
        "{",  "}", "\n", " ",     "\"", "\\\"", "#",  ",",        "import", "(s)", "s", "a",
        "{$", "%", "}",  "{%A%}", ":",  "\r",   "\\", "\xC2\xA0", "\xff",   "()",  "*", "x y"};
    std::mt19937 random(20240611);
    std::uniform_int_distribution<std::size_t> piece(0, std::size(kPieces) - 1);
    std::uniform_int_distribution<int> length(0, 60);
    const ScratchFolder empty;
    int parsed_whole = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (int i = length(random); i > 0; --i) {
            text += kPieces[piece(random)];
        }
        try {
            parse_corefile(text, "Corefile", empty.path());
            ++parsed_whole;
        } catch (const ConfigError& error) {
            CHECK(std::string_view(error.what()).starts_with("Corefile:"));
        }
    }
    CHECK(parsed_whole > 0);
    CHECK(parsed_whole < 20000);
}

TEST_CASE("what Kubernetes distributions ship parses") {
    const char* folder = std::getenv("KERYX_COREFILES");
    if (folder == nullptr) {
        MESSAGE("skipped: KERYX_COREFILES names no folder");
        return;
    }
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string extension = entry.path().extension().string();
        if (extension != ".Corefile" && extension != ".server" && extension != ".override") {
            continue;
        }
        ++files;
        CAPTURE(entry.path());
        const auto text = read_text_file(entry.path());
        REQUIRE(text);
        const std::string whole = extension == ".override" ? ". {\n" + *text + "\n}" : *text;
        Corefile corefile;
        CHECK_NOTHROW(corefile = parse_corefile(whole, "Corefile", folder));
        CHECK(!corefile.blocks.empty());
        for (const CorefileBlock& block : corefile.blocks) {
            CHECK(!block.directives.empty());
        }
    }
    CHECK(files > 0);
}

}  // namespace
}  // namespace server
