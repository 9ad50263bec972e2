#include <algorithm>

#include "server/config_options.h"
#include "server/config_plugins.h"
#include "server/config_zones.h"
#include "server/pattern.h"
#include "server/template_record.h"
#include "zones/presentation.h"

namespace server {
namespace {

constexpr std::int64_t kMaxCode = 65535;

struct TemplateTarget {
    TemplateConfig config;
    std::vector<Pattern> patterns;
    std::vector<std::pair<const Directive*, std::string>> groups;  // that records refer to
};

void read_match(const Directive& line, TemplateTarget& target) {
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& text : line.args) {
        auto pattern = Pattern::compile(text);
        if (!pattern) {
            fail(line.at, "bad pattern: " + pattern.error(), text);
        }
        target.patterns.push_back(std::move(*pattern));
        target.config.patterns.push_back(text);
    }
}

void read_records(const Directive& line, TemplateTarget& target, std::vector<std::string>& texts) {
    expect_arguments(line, 1, kNoLimit);
    for (const std::string& text : line.args) {
        const auto record = TemplateRecord::parse(text);
        if (!record) {
            fail(line.at, "bad record in " + line.name + ": " + record.error(), text);
        }
        for (std::string& name : record->group_names()) {
            target.groups.emplace_back(&line, std::move(name));
        }
        texts.push_back(text);
    }
}

void read_answer(const Directive& line, TemplateTarget& target) {
    read_records(line, target, target.config.answers);
}

void read_additional(const Directive& line, TemplateTarget& target) {
    read_records(line, target, target.config.additionals);
}

void read_authority(const Directive& line, TemplateTarget& target) {
    read_records(line, target, target.config.authorities);
}

/// Those that fit the header: what a client without EDNS would see of the others is another one.
void read_rcode(const Directive& line, TemplateTarget& target) {
    static constexpr std::string_view kNames[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                  "NXRRSET", "NOTAUTH", "NOTZONE"};
    expect_arguments(line, 1, 1);
    target.config.rcode = static_cast<std::uint16_t>(read_word(line, line.args[0], kNames));
}

/// `ederror CODE [TEXT]`
void read_ederror(const Directive& line, TemplateTarget& target) {
    expect_arguments(line, 1, 2);
    target.config.extended_error =
        static_cast<std::uint16_t>(read_integer(line, line.args[0], 0, kMaxCode));
    target.config.extended_error_text = line.args.size() > 1 ? line.args[1] : "";
}

void read_template_fallthrough(const Directive& line, TemplateTarget& target) {
    target.config.has_fallthrough = true;
    target.config.fallthrough_zones = read_zones(line.at, line.args);
}

constexpr Option<TemplateTarget> kTemplateOptions[] = {
    {"additional", read_additional},
    {"answer", read_answer},
    {"authority", read_authority},
    {"ederror", read_ederror},
    {"expr", refuse_option<TemplateTarget>},
    {"fallthrough", read_template_fallthrough},
    {"match", read_match},
    {"rcode", read_rcode},
    {"var", refuse_option<TemplateTarget>},
};

/// A group that no pattern has is a slip of the pen, and would make every answer SERVFAIL.
void check_groups(const TemplateTarget& target) {
    for (const auto& group : target.groups) {
        const bool known = std::any_of(
            target.patterns.begin(), target.patterns.end(),
            [&](const Pattern& one) { return one.group_named(group.second).has_value(); });
        if (!known) {
            fail(group.first->at, "no pattern of this template has that group",
                 ".Group." + group.second);
        }
    }
}

}  // namespace

TemplateConfig read_template(const Directive& directive,
                             const std::vector<zones::Name>& block_zones) {
    expect_arguments(directive, 2, kNoLimit);
    const auto& args = directive.args;
    TemplateTarget target;
    const auto qclass = zones::parse_class(args[0]);
    if (!qclass) {
        fail(directive.at, "not a class", args[0]);
    }
    const auto qtype = zones::parse_type(args[1]);
    if (!qtype) {
        fail(directive.at, "not a type", args[1]);
    }
    target.config.qclass = *qclass;
    target.config.qtype = *qtype;
    target.config.zones = read_zones(directive.at, {args.begin() + 2, args.end()});
    if (target.config.zones.empty()) {
        target.config.zones = block_zones;
    }
    read_options<TemplateTarget>(directive, kTemplateOptions, target);
    check_groups(target);
    if (target.config.answers.empty() && target.config.authorities.empty() &&
        target.config.rcode == 0) {
        fail(directive.at, "a template needs answer, authority or rcode", text_of(directive));
    }
    return target.config;
}

}  // namespace server
