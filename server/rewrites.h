// The `rewrite` lines of one server block: asks for another name, and makes the reply fit.
// Knows names and patterns, and a whole reply's records; knows nothing of who answers. Made at
// load, immutable after; all workers share it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zones/query.h"
#include "zones/writer.h"

namespace server {

/// One `rewrite ... name` line. FROM and TO as the Corefile has them: Rewrites puts them in lower
/// case, and gives them their final dots.
struct RewriteConfig {
    enum class Match : std::uint8_t { Exact, Prefix, Suffix, Substring, Regex };
    struct ResponseRule {
        enum class What : std::uint8_t { Name, Value };
        What what = What::Name;
        std::string from;  // a pattern
        std::string to;
    };
    bool stop = true;  // else the rules that follow see the new name
    Match match = Match::Exact;
    std::string from, to;
    bool answer_auto = false;
    std::vector<ResponseRule> responses;
};

/// What is done to the records of a reply, so that they answer the name that was asked. Owned by
/// the query that waits; refers to the Rewrites that made it.
class ReplyRewrite;

class Rewrites {
  public:
    enum class Outcome : std::uint8_t {
        Unchanged,
        Changed,
        Invalid,  // the new name is no name: SERVFAIL
    };
    struct Result {
        Outcome outcome = Outcome::Unchanged;
        std::vector<std::uint8_t> message;  // the query with the new name
        std::shared_ptr<const ReplyRewrite> reply;
    };

    /// Compiles patterns. Throws ConfigError naming what is wrong.
    explicit Rewrites(const std::vector<RewriteConfig>& rules);
    ~Rewrites();
    Rewrites(const Rewrites&) = delete;
    Rewrites& operator=(const Rewrites&) = delete;

    Result apply(const zones::Query& query) const;

  private:
    struct Rule;
    std::vector<std::unique_ptr<const Rule>> rules_;
};

/// Appends the records of `reply`, a whole message of our own making to the rewritten question, to
/// `out`, which holds the reply to the question as it was asked so far: just the question. OPT is
/// left out. Marks `out` truncated if an answer or authority record does not fit. False if the
/// reply cannot be read.
bool write_rewritten(const ReplyRewrite& rewrite, zones::Octets reply, zones::MessageWriter& out);

}  // namespace server
