#include "server/templates.h"

#include <algorithm>
#include <arpa/inet.h>

#include "server/config_error.h"
#include "server/template_record.h"
#include "server/zone_set.h"
#include "zones/zone_table.h"

namespace server {
namespace {

using zones::PresentedRecord;
using zones::Section;
using Records = std::vector<PresentedRecord>;

std::string address_without_brackets(const Client& client) {
    char text[INET6_ADDRSTRLEN] = "";
    if (client.peer.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &client.peer.v6.sin6_addr, text, sizeof text);
    } else {
        inet_ntop(AF_INET, &client.peer.v4.sin_addr, text, sizeof text);
    }
    return text;
}

std::vector<TemplateRecord> compile_records(const std::vector<std::string>& texts) {
    std::vector<TemplateRecord> records;
    for (const std::string& text : texts) {
        auto record = TemplateRecord::parse(text);
        if (!record) {
            throw ConfigError("template: " + text + ": " + record.error());
        }
        records.push_back(std::move(*record));
    }
    return records;
}

Templates::Result failure(const char* why) {
    Templates::Result result;
    result.outcome = Templates::Outcome::Failed;
    result.rcode = zones::Rcode::ServFail;
    result.why = why;
    return result;
}

/// One section of an answer: its lines in the Corefile, these compiled, and what they yield.
struct Part {
    const char* section;
    const std::vector<std::string>& lines;
    const std::vector<TemplateRecord>& compiled;
    Records& records;
};

/// Nothing if all went well.
std::optional<Templates::Result> make_all(const Part& part, const TemplateSubject& subject) {
    for (std::size_t i = 0; i < part.compiled.size(); ++i) {
        auto record = part.compiled[i].make(subject);
        if (!record) {
            auto failed = failure(record.error());
            failed.bad_section = part.section;
            failed.bad_record = part.lines[i];
            return failed;
        }
        part.records.push_back(std::move(*record));
    }
    return std::nullopt;
}

/// Writes the answer section, and follows the CNAMEs in it from the name that is asked.
class AnswerSection {
  public:
    AnswerSection(const zones::AskedName& asked, zones::Chain& chain, zones::MessageWriter& out)
        : at_(asked.placed), chain_(chain), out_(out) {}

    /// False if it does not fit.
    bool add(const PresentedRecord& record) {
        const bool at_name = zones::equal_fold(record.owner.wire(), out_.placed(at_));
        // Spelled as it was asked, it can be a pointer.
        out_.begin_relayed(at_name ? out_.placed(at_) : record.owner.wire(), record.type,
                           record.ttl, record.rclass);
        const std::size_t rdata_at = out_.position();
        out_.put_octets(record.rdata);
        if (!out_.end_record(Section::Answer)) {
            out_.mark_truncated();
            return false;
        }
        open_ = at_name && record.type == zones::qtype::kCname &&
                chain_.links < zones::Chain::kMaxLinks;
        if (open_) {
            chain_.owners[chain_.links++] = at_;
            at_ = {static_cast<std::uint16_t>(rdata_at),
                   static_cast<std::uint8_t>(record.rdata.size())};
            open_ = !zones::has_owner(chain_, out_.placed(at_), out_);
        }
        return true;
    }

    /// The last record is a CNAME that leads to a name without an answer here.
    bool ends_in_alias() const { return open_; }
    zones::PlacedName target() const { return at_; }

  private:
    zones::PlacedName at_;
    zones::Chain& chain_;
    zones::MessageWriter& out_;
    bool open_ = false;
};

/// False if the message is full.
bool add_section(const Records& records, Section section, zones::MessageWriter& out) {
    for (const PresentedRecord& record : records) {
        out.begin_relayed(record.owner.wire(), record.type, record.ttl, record.rclass);
        out.put_octets(record.rdata);
        if (!out.end_record(section)) {
            if (section != Section::Additional) {
                out.mark_truncated();
            }
            return false;
        }
    }
    return true;
}

}  // namespace

struct Templates::Template {
    explicit Template(const TemplateConfig& from);

    bool is_for(const zones::Query& query) const {
        const auto fits = [](std::uint16_t ours, std::uint16_t asked) {
            return ours == asked || ours == kAny || asked == kAny;
        };
        return fits(config.qclass, query.qclass) && fits(config.qtype, query.qtype);
    }
    bool falls_through(const zones::LoweredName& name) const {
        return config.has_fallthrough &&
               (config.fallthrough_zones.empty() || fallthrough_zones.find(name).has_value());
    }
    const Pattern* match(std::string_view name, Groups& groups) const {
        const auto found = std::find_if(patterns.begin(), patterns.end(), [&](const Pattern& one) {
            return one.match(name, groups);
        });
        return found == patterns.end() ? nullptr : &*found;
    }
    Result answer(const TemplateSubject& subject, const zones::AskedName& asked,
                  const zones::Query& query, zones::Chain& chain, zones::MessageWriter& out) const;

    static constexpr std::uint16_t kAny = 255;  // of types and of classes

    TemplateConfig config;
    zones::ZoneTable zones;  // value: index into config.zones
    zones::ZoneTable fallthrough_zones;
    std::vector<Pattern> patterns;
    std::vector<TemplateRecord> answers, authorities, additionals;
};

Templates::Template::Template(const TemplateConfig& from)
    : config(from),
      answers(compile_records(from.answers)),
      authorities(compile_records(from.authorities)),
      additionals(compile_records(from.additionals)) {
    for (std::size_t i = 0; i < config.zones.size(); ++i) {
        zones.add(config.zones[i], i);
    }
    fallthrough_zones = zone_set(config.fallthrough_zones);
    if (config.patterns.empty()) {
        config.patterns.emplace_back(".*");
    }
    for (const std::string& text : config.patterns) {
        auto pattern = Pattern::compile(text);
        if (!pattern) {
            throw ConfigError("template: bad pattern: " + text + ": " + pattern.error());
        }
        patterns.push_back(std::move(*pattern));
    }
}

Templates::Result Templates::Template::answer(const TemplateSubject& subject,
                                              const zones::AskedName& asked,
                                              const zones::Query& query, zones::Chain& chain,
                                              zones::MessageWriter& out) const {
    if (static_cast<zones::Rcode>(config.rcode) == zones::Rcode::ServFail) {
        return failure("rcode SERVFAIL");  // as in CoreDNS it comes without records
    }
    Records first, second, third;
    for (const Part& part : {Part{"answer", config.answers, answers, first},
                             Part{"authority", config.authorities, authorities, second},
                             Part{"additional", config.additionals, additionals, third}}) {
        if (auto failed = make_all(part, subject)) {
            return *failed;
        }
    }
    Result result{.outcome = Outcome::Answered,
                  .rcode = static_cast<zones::Rcode>(config.rcode),
                  .extended_error = config.extended_error,
                  .extended_error_text = config.extended_error_text};
    AnswerSection section(asked, chain, out);
    for (const PresentedRecord& record : first) {
        if (!section.add(record)) {
            return result;
        }
    }
    // RFC 1034 §4.3.2 step 3a: whatever the type, but for CNAME itself and ANY, which match it.
    if (section.ends_in_alias() && result.rcode == zones::Rcode::NoError &&
        query.qtype != zones::qtype::kCname && query.qtype != zones::qtype::kAny) {
        result.outcome = Outcome::NextName;  // the other sections are the target's
        result.target = section.target();
        return result;
    }
    if (add_section(second, Section::Authority, out)) {
        add_section(third, Section::Additional, out);
    }
    return result;
}

Templates::Templates(const std::vector<TemplateConfig>& templates) {
    for (const TemplateConfig& config : templates) {
        templates_.push_back(std::make_unique<const Template>(config));
    }
}

Templates::~Templates() = default;

Templates::Result Templates::answer(const zones::AskedName& asked, const zones::Query& query,
                                    const Client& client, zones::Chain& chain,
                                    zones::MessageWriter& out) const {
    std::string name;
    Groups groups;
    for (const auto& one : templates_) {
        const auto zone = one->zones.find(*asked.lowered);
        if (!zone || !one->is_for(query)) {
            continue;
        }
        if (name.empty()) {
            name = zones::to_string(asked.lowered->wire());
        }
        const Pattern* const pattern = one->match(name, groups);
        if (pattern == nullptr) {
            if (!one->falls_through(*asked.lowered)) {
                return failure("no pattern matches");
            }
            continue;
        }
        const TemplateConfig& config = one->config;
        const auto pick = [](std::uint16_t query_has, std::uint16_t config_has) {
            return query_has == Template::kAny ? config_has : query_has;
        };
        const std::string zone_text = config.zones[zone->value].to_string();
        const std::string question = zones::to_string(out.placed(asked.placed));
        const std::string remote = address_without_brackets(client);
        const std::string class_text = zones::class_to_string(pick(query.qclass, config.qclass));
        const std::string type_text = zones::type_to_string(pick(query.qtype, config.qtype));
        const TemplateSubject subject{name,        zone_text, question,
                                      class_text,  type_text, query.qclass,
                                      query.qtype, remote,    zones::read_u16(&query.message[0]),
                                      pattern,     &groups};
        Result result = one->answer(subject, asked, query, chain, out);
        result.zone = &config.zones[zone->value];
        return result;
    }
    return {};
}

}  // namespace server
