// A Corefile from its text to what the workers would serve, and templates in it.
#include <filesystem>
#include <stdexcept>
#include <string>

#include "server/config.h"
#include "server/config_error.h"
#include "server/routing.h"
#include "tests/fuzz/target.h"
#include "tests/server/template_answers.h"

namespace fuzz {
namespace {

using namespace server;

/// Words that reach outside: files that never end, names that the resolver would be asked for.
bool reaches_out(std::string_view text) {
    for (const std::string_view word : {"/", "import", "health", "ready", "prometheus", "bind"}) {
        if (text.find(word) != text.npos) {
            return true;
        }
    }
    return false;
}

LoadOptions options_for(std::string_view text) {
    LoadOptions options;
    options.text = text;
    options.file = "Corefile";
    options.folder = "/nonexistent";
    return options;
}

}  // namespace

void run_corefile(Input input) {
    const std::string_view text = text_of(input);
    if (reaches_out(text)) {
        return;
    }
    try {
        const Config config = load_config(options_for(text));
        require(config.hash == hash_of(options_for(text)), "two hashes of one Corefile");
        require(!config.blocks.empty(), "a Corefile that serves nothing");
        make_routing(config, {}, {1, 2});
    } catch (const ConfigError& error) {
        const std::string_view what = error.what();
        require(what.find('\n') == what.npos, "an error of more than one line");
        require(what.size() < 2048 + 2 * text.size(), "an error that is longer than the Corefile");
    }
}

/// An input is a pattern, an answer and a name, each with a line of its own; then the type.
void run_template(Input input) {
    Pieces pieces(input);
    TemplateConfig config;
    config.zones = {zones::Name::parse(".").value()};
    config.qclass = zones::kClassIn;
    config.qtype = 255;
    config.patterns = {std::string(pieces.until('\n'))};
    config.answers = {std::string(pieces.until('\n'))};
    const auto name = zones::Name::parse(pieces.until('\n'));
    if (!name) {
        return;
    }
    testing::Octets query{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    query.insert(query.end(), name->wire().begin(), name->wire().end());
    query.insert(query.end(), {0, pieces.u8(), 0, 1});
    try {
        const Templates templates({config});
        if (zones::Query read; zones::parse_query(query, read) == zones::Verdict::Ask) {
            testing::ask(templates, query);  // throws what is malformed
        }
    } catch (const ConfigError& error) {
        const std::string_view what = error.what();
        require(what.find('\n') == what.npos, "an error of more than one line");
    }
}

}  // namespace fuzz
