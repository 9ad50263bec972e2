#include <algorithm>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/pattern.h"

namespace server {
namespace {

using Match = RewriteConfig::Match;
using What = RewriteConfig::ResponseRule::What;

/// The words of one rule, taken one by one.
struct Words {
    const Directive& directive;
    std::vector<std::string> left;  // in reverse order

    bool empty() const { return left.empty(); }
    std::string peek() const { return left.empty() ? "" : zones::to_lower(left.back()); }
    std::string take(std::string_view what) {
        if (left.empty()) {
            fail(directive.at, "rewrite lacks " + std::string(what), text_of(directive));
        }
        std::string word = std::move(left.back());
        left.pop_back();
        return word;
    }
};

/// A line with one word or none may have more of them between braces, over several lines.
Words words_of(const Directive& directive) {
    std::vector<std::string> words = directive.args;
    if (words.size() > 1) {
        expect_no_block(directive);
    }
    for (const Directive& line : directive.block) {
        expect_no_block(line);
        words.push_back(line.name);
        words.insert(words.end(), line.args.begin(), line.args.end());
    }
    std::reverse(words.begin(), words.end());
    return {directive, std::move(words)};
}

void check_field(const Directive& directive, const std::string& field) {
    static constexpr std::string_view kKnown[] = {"name"};
    static constexpr std::string_view kLater[] = {"class", "cname", "edns0",
                                                  "rcode", "ttl",   "type"};
    if (field == kKnown[0]) {
        return;
    }
    if (std::find(std::begin(kLater), std::end(kLater), field) != std::end(kLater)) {
        fail(directive.at, "field of rewrite not supported in this version", field, kKnown);
    }
    if (field == "answer") {
        fail(directive.at, "rewrite begins with what is asked, not with answer", field, kKnown);
    }
    fail(directive.at, "unknown field of rewrite", field, kKnown);
}

void check_pattern(const Directive& directive, const std::string& from, const std::string& to) {
    const auto pattern = Pattern::compile(from);
    if (!pattern) {
        fail(directive.at, "bad pattern: " + pattern.error(), from);
    }
    if (Replacement(to).highest_group() > pattern->group_count()) {
        fail(directive.at, "the pattern '" + from + "' has not that many groups", to);
    }
}

void check_name(const Directive& directive, const std::string& text) {
    read_name(directive.at, text);
}

/// `[exact|prefix|suffix|substring|regex] FROM TO`; of two words neither is the kind.
void read_request_rule(Words& words, RewriteConfig& config) {
    static constexpr std::string_view kKinds[] = {"exact", "prefix", "suffix", "substring",
                                                  "regex"};
    if (words.left.size() > 2) {
        const std::string kind = zones::to_lower(words.take("a kind of match"));
        config.match = static_cast<Match>(read_word(words.directive, kind, kKinds));
    }
    config.from = words.take("FROM");
    config.to = words.take("TO");
    if (config.match == Match::Regex) {
        check_pattern(words.directive, config.from, config.to);
    } else if (config.match == Match::Exact) {
        check_name(words.directive, config.from);
        check_name(words.directive, config.to);
    }
}

/// `answer auto | answer name FROM TO | answer value FROM TO`, again and again; the word `answer`
/// may be left out after the first.
void read_responses(Words& words, RewriteConfig& config) {
    static constexpr std::string_view kWhat[] = {"auto", "name", "value"};
    bool has_name = false;
    for (bool first = true; !words.empty(); first = false) {
        if (words.peek() == "answer") {
            words.take("");
        } else if (first) {
            fail(words.directive.at, "only answer may follow FROM and TO", words.left.back());
        }
        const std::string what = words.take("what of the answer to rewrite");
        switch (read_word(words.directive, what, kWhat)) {
            case 0:
                config.answer_auto = true;
                continue;
            case 1:
                has_name = true;
                break;
            default:
                break;
        }
        const std::string from = words.take("FROM of the answer");
        const std::string to = words.take("TO of the answer");
        check_pattern(words.directive, from, to);
        config.responses.push_back({what == kWhat[1] ? What::Name : What::Value, from, to});
    }
    if (config.answer_auto && has_name) {
        fail(words.directive.at, "answer auto and answer name exclude each other",
             text_of(words.directive));
    }
}

}  // namespace

RewriteConfig read_rewrite(const Directive& directive) {
    RewriteConfig config;
    Words words = words_of(directive);
    if (words.peek() == "stop" || words.peek() == "continue") {
        config.stop = zones::to_lower(words.take("")) == "stop";
    }
    check_field(directive, zones::to_lower(words.take("a field")));
    read_request_rule(words, config);
    read_responses(words, config);
    return config;
}

}  // namespace server
