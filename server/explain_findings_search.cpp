// What becomes of the search list where the resolver is not glibc's.
#include <algorithm>

#include "server/explain_findings.h"
#include "zones/message.h"

namespace server {
namespace {

/// musl's name_from_dns() lets the search go on after NXDOMAIN alone: a name without addresses ends
/// it as EAI_NODATA (EAI_NONAME before 1.2.4), SERVFAIL as EAI_AGAIN.
/// https://git.musl-libc.org/cgit/musl/tree/src/network/lookup_name.c
bool ends_search_of_musl(const ExplainedStep& step) {
    return step.rcode != "NXDOMAIN";
}

/// glibc's res_search() goes on after these two as well; what else there is, ends both.
/// https://sourceware.org/git/?p=glibc.git;a=blob;f=resolv/res_query.c
bool ends_search_of_musl_alone(const ExplainedStep& step) {
    return step.rcode == "NOERROR" || step.rcode == "SERVFAIL";
}

}  // namespace

void add_search_findings(const ExplainQuestion& question, const std::vector<ExplainedStep>& steps,
                         std::vector<Finding>& out) {
    const bool address =
        question.qtype == zones::qtype::kA || question.qtype == zones::qtype::kAaaa;
    const auto answer = std::ranges::find_if(steps, &ExplainedStep::answers);
    if (question.absolute || !address || answer == steps.end()) {
        return;
    }
    std::string why;
    if (tries_as_it_is_first(question)) {
        // As many dots as ndots, or more: musl tries the name as it is, and nothing else.
        why = answer == steps.begin() ? "" : "a name with five dots or more gets no search domain";
    } else if (const auto end = std::find_if(steps.begin(), answer, ends_search_of_musl);
               end != answer && ends_search_of_musl_alone(*end)) {
        why = "its search ends at " + end->name +
              (end->rcode == "NOERROR" ? ", which exists without such a record (NODATA)"
                                       : ", which is SERVFAIL");
    }
    if (!why.empty()) {
        out.push_back({"musl-search", Finding::Weight::Warning,
                       "In images with musl (Alpine) the name is not found: " + why +
                           ", where glibc goes on.",
                       "Ask for " + answer->name + ", with the dot at its end."});
    }
}

}  // namespace server
