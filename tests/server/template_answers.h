// The `template` lines of a Corefile, asked directly; ldns judges what they write.
// Free functions and values; one thread.
#pragma once

#include <arpa/inet.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/templates.h"
#include "tests/server/config_loading.h"
#include "tests/server/messages.h"

namespace server::testing {

struct TemplateAnswer {
    Templates::Result result;
    std::string outcome;  // "next plugin", "failed: WHY", "next name: TARGET", or the rcode
    std::string extended_error;
    Reply reply;  // unless it is the next plugin's
    unsigned links = 0;
    bool written = false;  // any record
};

/// Those of a server block for the zone a.test that has these lines.
inline std::unique_ptr<Templates> templates_from(std::string_view lines) {
    return std::make_unique<Templates>(
        load(". {\n" + std::string(lines) + "\n}").blocks.at(0).templates);
}

/// `links` CNAMEs are taken to stand before the question.
inline TemplateAnswer ask(const Templates& templates, const Octets& message,
                          std::size_t limit = zones::kMaxMessageSize, unsigned links = 0) {
    zones::Query query;
    if (zones::parse_query(message, query) != zones::Verdict::Ask) {
        throw std::runtime_error("not a query");
    }
    std::vector<std::uint8_t> buffer(zones::kMaxMessageSize);
    zones::MessageWriter out(buffer);
    out.begin(query, limit);
    Client client{};
    client.peer.v4.sin_family = AF_INET;
    inet_pton(AF_INET, "192.0.2.77", &client.peer.v4.sin_addr);
    zones::Chain chain;
    for (; chain.links < links; ++chain.links) {
        chain.owners[chain.links] = {zones::kHeaderSize + 1, 1};
    }
    TemplateAnswer answer;
    answer.result = templates.answer({out.question_name(), &query.name}, query, client, chain, out);
    answer.links = chain.links - links;
    answer.written = out.position() != query.question_end;
    using Outcome = Templates::Outcome;
    const std::string target = answer.result.outcome == Outcome::NextName
                                   ? zones::to_string(out.placed(answer.result.target))
                                   : "";
    const std::size_t size = out.finish(answer.result.rcode, 0, 0);
    answer.reply = read_reply(std::span(buffer).first(size));
    answer.extended_error = answer.result.extended_error
                                ? std::to_string(*answer.result.extended_error) + " " +
                                      std::string(answer.result.extended_error_text)
                                : "";
    switch (answer.result.outcome) {
        case Outcome::NextPlugin:
            answer.outcome = "next plugin";
            break;
        case Outcome::Failed:
            answer.outcome = std::string("failed: ") + answer.result.why;
            break;
        case Outcome::NextName:
            answer.outcome = "next name: " + target;
            break;
        case Outcome::Answered:
            answer.outcome = answer.reply.rcode;
            break;
    }
    return answer;
}

inline TemplateAnswer ask(const Templates& templates, const Asked& asked) {
    return ask(templates, make_query(asked));
}

}  // namespace server::testing
