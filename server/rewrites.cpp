#include "server/rewrites.h"

#include <algorithm>

#include "server/config_error.h"
#include "server/pattern.h"
#include "zones/relay.h"

namespace server {
namespace {

using zones::Name;
using Match = RewriteConfig::Match;
using What = RewriteConfig::ResponseRule::What;

/// What CoreDNS makes of every FROM and TO but patterns: prefixes and substrings too, which then
/// match up to the end of a label only.
std::string with_final_dot(std::string_view text) {
    std::string out = zones::to_lower(text);
    std::size_t backslashes = 0;
    while (backslashes + 1 < out.size() && out[out.size() - 2 - backslashes] == '\\') {
        ++backslashes;
    }
    if (out.empty() || out.back() != '.' || backslashes % 2 == 1) {
        out += '.';
    }
    return out;
}

Pattern compile_pattern(const std::string& text) {
    auto pattern = Pattern::compile(text);
    if (!pattern) {
        throw ConfigError("rewrite: bad pattern: " + text + ": " + pattern.error());
    }
    return std::move(*pattern);
}

Name parse_exact(const std::string& text) {
    const auto name = Name::parse(text);
    if (!name) {
        throw ConfigError("rewrite: not a domain name: " + text);
    }
    return name->lowered();
}

/// The labels of `name` in front of `from`, which it is at or below, in front of `to`.
std::optional<Name> with_other_end(const Name& name, const Name& from, const Name& to) {
    std::string wire(name.wire().substr(0, name.size() - from.size()));
    return Name::from_wire(wire.append(to.wire()));
}

std::string with_replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (;;) {
        const std::size_t at = text.find(from);
        out += text.substr(0, at);
        if (at == std::string_view::npos) {
            return out;
        }
        out += to;
        text.remove_prefix(at + from.size());
    }
}

/// The query with another name; type, class and OPT record are as they were.
std::vector<std::uint8_t> with_name(const zones::Query& query, const Name& name) {
    const auto rest = query.message.subspan(zones::kHeaderSize + query.qname.size());
    std::vector<std::uint8_t> message(zones::kHeaderSize + name.size() + rest.size());
    auto at = std::copy_n(query.message.begin(), zones::kHeaderSize, message.begin());
    at = std::copy(name.wire().begin(), name.wire().end(), at);
    std::copy(rest.begin(), rest.end(), at);
    return message;
}

/// A change of one name; nullopt if it is not for this name, or makes none of it.
class ReplyChange {
  public:
    virtual ~ReplyChange() = default;
    virtual std::optional<Name> apply(const Name& name) const = 0;
};

/// `answer name` and `answer value`.
class PatternChange final : public ReplyChange {
  public:
    PatternChange(const std::string& from, const std::string& to)
        : from_(compile_pattern(from)), to_(with_final_dot(to)) {}

    std::optional<Name> apply(const Name& name) const override {
        const std::string text = name.to_string();
        Groups groups;
        return from_.match(text, groups) ? Name::parse(to_.expand(groups)) : std::nullopt;
    }

  private:
    Pattern from_;
    Replacement to_;
};

/// `answer auto` of a suffix rule.
class SuffixChange final : public ReplyChange {
  public:
    SuffixChange(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

    std::optional<Name> apply(const Name& name) const override {
        const std::string text = name.to_string();
        return text.ends_with(from_) ? Name::parse(text.substr(0, text.size() - from_.size()) + to_)
                                     : std::nullopt;
    }

  private:
    std::string from_, to_;
};

/// Maps a name that a rule made, and what is below it, back to what it was made of.
class Return final : public ReplyChange {
  public:
    Return(Name from, Name to) : from_(std::move(from)), to_(std::move(to)) {}

    std::optional<Name> apply(const Name& name) const override {
        const bool below = !from_.is_root() && name.is_at_or_below(from_);
        return below || name == from_ ? with_other_end(name, from_, to_) : std::nullopt;
    }

  private:
    Name from_, to_;
};

}  // namespace

class ReplyRewrite {
  public:
    struct Step {
        std::shared_ptr<const ReplyChange> change;  // what comes from a rule belongs to it as well
        bool of_owners, of_values;
    };

    void add(Step step) { steps_.push_back(std::move(step)); }

    /// The last rule's changes come first, so that each finds what its rule made.
    Name apply(Name name, bool is_owner) const {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            if (is_owner ? step->of_owners : step->of_values) {
                if (auto changed = step->change->apply(name)) {
                    name = std::move(*changed);
                }
            }
        }
        return name;
    }

  private:
    std::vector<Step> steps_;
};

struct Rewrites::Rule {
    explicit Rule(const RewriteConfig& config);

    /// The text of the name to ask for instead; nullopt if the rule is not for this one.
    std::optional<std::string> apply(const std::string& name) const;

    Match match;
    bool stop;
    bool returns;  // `exact`, and `answer auto` but of suffixes
    std::string from, to;
    std::optional<Pattern> pattern;
    Replacement replacement;  // of the pattern
    std::vector<ReplyRewrite::Step> responses;
};

Rewrites::Rule::Rule(const RewriteConfig& config)
    : match(config.match),
      stop(config.stop),
      returns(match == Match::Exact || (config.answer_auto && match != Match::Suffix)),
      from(with_final_dot(config.from)),
      to(with_final_dot(config.to)),
      replacement(to) {
    if (match == Match::Regex) {
        pattern = compile_pattern(config.from);
    } else if (match == Match::Exact) {
        from = parse_exact(from).to_string();
        to = parse_exact(to).to_string();
    } else if (match == Match::Suffix && config.answer_auto) {
        responses.push_back({std::make_shared<SuffixChange>(to, from), true, true});
    }
    for (const auto& response : config.responses) {
        const bool is_name = response.what == What::Name;
        responses.push_back(
            {std::make_shared<PatternChange>(response.from, response.to), is_name, !is_name});
    }
}

std::optional<std::string> Rewrites::Rule::apply(const std::string& name) const {
    switch (match) {
        case Match::Exact:
            return name == from ? std::optional(to) : std::nullopt;
        case Match::Prefix:
            return name.starts_with(from) ? std::optional(to + name.substr(from.size()))
                                          : std::nullopt;
        case Match::Suffix:
            return name.ends_with(from)
                       ? std::optional(name.substr(0, name.size() - from.size()) + to)
                       : std::nullopt;
        case Match::Substring:
            return name.find(from) != std::string::npos
                       ? std::optional(with_replaced(name, from, to))
                       : std::nullopt;
        case Match::Regex:
            break;
    }
    Groups groups;
    return pattern->match(name, groups) ? std::optional(replacement.expand(groups)) : std::nullopt;
}

Rewrites::Rewrites(const std::vector<RewriteConfig>& rules) {
    for (const RewriteConfig& config : rules) {
        rules_.push_back(std::make_unique<const Rule>(config));
    }
}

Rewrites::~Rewrites() = default;

Rewrites::Result Rewrites::apply(const zones::Query& query) const {
    if (rules_.empty()) {
        return {};
    }
    std::shared_ptr<ReplyRewrite> reply;
    Name name = *Name::from_wire(query.name.wire());
    std::string before = name.to_string();
    for (const auto& rule : rules_) {
        const auto text = rule->apply(before);
        if (!text) {
            continue;
        }
        const auto changed = Name::parse(*text);
        if (!changed) {
            return {Outcome::Invalid, {}, nullptr};
        }
        if (reply == nullptr) {
            reply = std::make_shared<ReplyRewrite>();
        }
        if (rule->returns) {
            reply->add({std::make_shared<Return>(*changed, std::move(name)), true, true});
        }
        for (const auto& response : rule->responses) {
            reply->add(response);
        }
        name = changed->lowered();
        before = name.to_string();
        if (rule->stop) {
            break;
        }
    }
    if (reply == nullptr) {
        return {};
    }
    return {Outcome::Changed, with_name(query, name), std::move(reply)};
}

namespace {

/// Names of the reply, changed; the question's is spelled as the client spelled it.
class Restoring final : public zones::NameChange {
  public:
    Restoring(const ReplyRewrite& rewrite, const zones::MessageWriter& out)
        : rewrite_(rewrite), out_(out) {}

    zones::NameView owner(zones::NameView name) override { return change(name, true); }
    zones::NameView value(zones::NameView name) override { return change(name, false); }

  private:
    zones::NameView change(zones::NameView wire, bool is_owner) {
        const Name before = Name::from_wire(wire)->lowered();
        after_ = rewrite_.apply(before, is_owner);
        const zones::NameView question = out_.placed(out_.question_name());
        if (zones::equal_fold(after_.wire(), question)) {
            return question;
        }
        return after_ == before ? wire : after_.wire();
    }

    const ReplyRewrite& rewrite_;
    const zones::MessageWriter& out_;
    Name after_;
};

}  // namespace

bool write_rewritten(const ReplyRewrite& rewrite, zones::Octets reply, zones::MessageWriter& out) {
    const auto parsed = zones::parse_upstream_reply(reply);
    Restoring names(rewrite, out);
    zones::RelayedSections wanted;
    wanted.names = &names;
    return parsed && zones::relay_records(*parsed, wanted, out);
}

}  // namespace server
