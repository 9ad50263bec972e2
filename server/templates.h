// The `template` lines of one server block: answers made from the question by patterns.
// Knows names, patterns and Go's template notation as far as CoreDNS's documentation uses it; knows
// no sockets. Made at load, immutable after; all workers share it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/client.h"
#include "zones/cluster_zone.h"
#include "zones/query.h"

namespace server {

/// One `template` line with its block, as the Corefile has it.
struct TemplateConfig {
    std::uint16_t qclass = 0;           // 255: ANY
    std::uint16_t qtype = 0;            // 255: ANY
    std::vector<zones::Name> zones;     // never empty
    std::vector<std::string> patterns;  // of `match`; empty: every name
    std::vector<std::string> answers;   // of `answer`, `additional`, `authority`
    std::vector<std::string> additionals;
    std::vector<std::string> authorities;
    std::uint16_t rcode = 0;
    std::optional<std::uint16_t> extended_error;
    std::string extended_error_text;
    bool has_fallthrough = false;
    std::vector<zones::Name> fallthrough_zones;  // empty: for every name
};

class Templates {
  public:
    enum class Outcome : std::uint8_t {
        NextPlugin,  // no template is for it; nothing was written
        Answered,
        NextName,  // the last record is a CNAME whose target is still to be asked for
        Failed,  // SERVFAIL: a pattern did not match and may not fall through, or a record was bad
    };
    struct Result {
        Outcome outcome = Outcome::NextPlugin;
        zones::Rcode rcode = zones::Rcode::NoError;
        std::optional<std::uint16_t> extended_error;
        std::string_view extended_error_text{};  // lives as long as the Templates
        zones::PlacedName target{};              // of the CNAME
        const char* why = "";                    // of Failed
        // Of the template whose pattern matched, as it lives as long as the Templates.
        const zones::Name* zone = nullptr;  // null: none did
        const char* bad_section = "";       // where a record was bad; empty: none was
        std::string_view bad_record{};      // its text
    };

    /// Compiles patterns and records. Throws ConfigError naming what is wrong.
    explicit Templates(const std::vector<TemplateConfig>& templates);
    ~Templates();
    Templates(const Templates&) = delete;
    Templates& operator=(const Templates&) = delete;

    /// Appends the records for `asked`, to which the CNAMEs of `chain` led, and adds to them.
    Result answer(const zones::AskedName& asked, const zones::Query& query, const Client& client,
                  zones::Chain& chain, zones::MessageWriter& out) const;

  private:
    struct Template;
    std::vector<std::unique_ptr<const Template>> templates_;
};

}  // namespace server
