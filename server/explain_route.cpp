#include "server/explain_route.h"

#include <atomic>
#include <utility>

#include "server/explain.h"
#include "server/explain_json.h"
#include "server/explain_text.h"

namespace server {
namespace {

/// A place among those that may explain; it is given back with this.
class ExplainingPlace {
  public:
    explicit ExplainingPlace(std::atomic<int>& taken) : taken_(taken), number_(++taken) {}
    ~ExplainingPlace() { --taken_; }
    ExplainingPlace(const ExplainingPlace&) = delete;
    ExplainingPlace& operator=(const ExplainingPlace&) = delete;
    bool there_is() const { return number_ <= kMostExplanations; }

  private:
    std::atomic<int>& taken_;
    const int number_;
};

StatusReply reply_of(const Explanation& explanation, const StatusRequest& request) {
    if (request.parameter("format") == "text") {
        return {200, "text/plain; charset=utf-8", explanation_text(explanation, false)};
    }
    const std::string_view text = request.parameter("text");
    return {.body = explanation_json(
                explanation, text.empty() ? "" : explanation_text(explanation, text == "colour"))};
}

}  // namespace

Explain explain_with(std::function<std::shared_ptr<const Instance>()> instance) {
    return [instance = std::move(instance), taken = std::make_shared<std::atomic<int>>(0)](
               const ExplainRequest& asked) -> tl::expected<Explanation, StatusReply> {
        const ExplainingPlace place(*taken);
        if (!place.there_is()) {
            return tl::unexpected(
                status_error(503, "other explanations are being made: ask again"));
        }
        const auto running = instance();
        return explain(asked, running->config, running->routing)
            .map_error([](const std::string& why) { return status_error(400, why); });
    };
}

ExplainRequest explain_request(const StatusRequest& request) {
    return {.name = std::string(request.parameter("name")),
            .type = std::string(request.parameter("type")),
            .from = std::string(request.parameter("from")),
            .ns = std::string(request.parameter("namespace"))};
}

StatusHandler explain_route(Explain explain) {
    return [explain = std::move(explain)](const StatusRequest& request) {
        const std::string_view format = request.parameter("format");
        if (!format.empty() && format != "json" && format != "text") {
            return status_error(400, "format is json or text");
        }
        const auto explanation = explain(explain_request(request));
        return explanation ? reply_of(*explanation, request) : explanation.error();
    };
}

}  // namespace server
