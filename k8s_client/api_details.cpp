#include "k8s_client/api_details.h"

#include <algorithm>
#include <utility>

#include "k8s_client/api_connection.h"
#include "k8s_client/json_reader.h"
#include "k8s_client/one_line_journal.h"

namespace k8s_client {
namespace {

constexpr int kNotFound = 404;
constexpr int kGatewayTimeout = 504;

/// A response as text, as far as size and time allow.
class BoundedBody : public HttpBody {
  public:
    explicit BoundedBody(ApiDetails::Clock::time_point deadline) : deadline_(deadline) {}

    bool head(const HttpHead& head) override {
        status = head.status;
        return true;
    }
    bool chunk(std::string_view octets) override {
        if (text.size() + octets.size() > ApiDetails::kMostOctets) {
            why = "the response is larger than 16 MiB";
        } else if (ApiDetails::Clock::now() > deadline_) {
            why = "it took too long";
        } else {
            text += octets;
        }
        return why.empty();
    }

    int status = 0;
    std::string text;
    std::string why;  // not empty: given up

  private:
    ApiDetails::Clock::time_point deadline_;
};

/// Of a Status; else of anything that a proxy in between has to say.
class MessageReceiver : public ValueReceiver {
  public:
    void take(const Value& object) override { message = Value::string_of(object.find("message")); }
    std::string message;
};

std::string message_of(const std::string& body) {
    constexpr std::size_t kShown = 300;
    MessageReceiver receiver;
    ValueReader reader(receiver);
    const bool read = read_json_values(body, reader).has_value() && !receiver.message.empty();
    return OneLineJournal::one_line((read ? receiver.message : body).substr(0, kShown));
}

class TakeAll : public ValueReceiver {
  public:
    void take(const Value& object) override {
        if (auto detail = detail_of(object)) {
            details.push_back(std::move(*detail));
        }
    }
    std::vector<Detail> details;
};

std::vector<PodDetail> pods_in(std::vector<Detail> details) {
    std::vector<PodDetail> pods;
    for (Detail& detail : details) {
        if (auto* const pod = std::get_if<PodDetail>(&detail)) {
            pods.push_back(std::move(*pod));
        }
    }
    return pods;
}

}  // namespace

ApiDetails::ApiDetails(ApiAccess access, std::string user_agent)
    : ApiDetails(std::make_unique<ApiConnection>(std::move(access), std::move(user_agent))) {}

ApiDetails::Details ApiDetails::list(const ApiResource& resource, std::string_view ns,
                                     const Selection& selection) {
    const auto failed = [&](const std::string& why) {
        return tl::unexpected("cannot list " + std::string(resource.plural) + ": " + why);
    };
    if (unreachable_ || Clock::now() > deadline_) {
        return failed("no time is left to ask the API server");
    }
    HttpRequest request;
    request.target = namespaced_target(resource, ns, selection, kMostObjects);
    request.idle_limit = kSilence;
    BoundedBody body(deadline_);
    const auto got = http_->get(request, body);
    if (!body.why.empty()) {
        return failed(body.why);
    }
    if (!got) {
        unreachable_ = true;
        return failed(OneLineJournal::one_line(got.error().text));
    }
    if (body.status != HttpHead::kOk) {
        absent_ = body.status == kNotFound ? &resource : absent_;
        unreachable_ = body.status == kGatewayTimeout;
        return failed("the API server says " + std::to_string(body.status) + ": " +
                      message_of(body.text));
    }
    TakeAll receiver;
    ValueReader reader(receiver);
    if (const auto read = read_json_values(body.text, reader); !read) {
        return failed("the response is no JSON: " + read.error().why);
    }
    return std::move(receiver.details);
}

ServiceView ApiDetails::look_at(std::string_view ns, std::string_view service) {
    ServiceView view;
    auto services =
        list(kServices, ns, {.labels = {}, .fields = "metadata.name=" + std::string(service)});
    if (!services) {
        view.problems.push_back(services.error());
    } else {
        view.known = true;
        for (Detail& detail : *services) {
            if (auto* const found = std::get_if<ServiceDetail>(&detail);
                found != nullptr && found->name == service) {
                view.service = std::move(*found);
            }
        }
    }
    if (!view.known || view.service) {
        find_slices(ns, service, view);
    }
    if (view.service && !view.service->selector.empty()) {
        find_pods(ns, view);
    }
    return view;
}

void ApiDetails::find_slices(std::string_view ns, std::string_view service, ServiceView& view) {
    const Selection of_service{.labels = "kubernetes.io/service-name=" + std::string(service),
                               .fields = {}};
    const ApiResource* used = &kEndpointSlices;
    Details found = list(*used, ns, of_service);
    if (!found && is_absent(*used)) {
        used = &kEndpointSlicesBeta;
        found = list(*used, ns, of_service);
    }
    if (!found && is_absent(*used)) {
        found =
            list(kEndpoints, ns, {.labels = {}, .fields = "metadata.name=" + std::string(service)});
    }
    if (!found) {
        view.problems.push_back(found.error());
        return;
    }
    view.slices_known = true;
    for (Detail& detail : *found) {
        if (auto* const slices = std::get_if<std::vector<SliceDetail>>(&detail)) {
            std::ranges::move(*slices, std::back_inserter(view.slices));
        }
    }
}

void ApiDetails::find_pods(std::string_view ns, ServiceView& view) {
    auto selected =
        list(kPods, ns, {.labels = selector_text(view.service->selector), .fields = {}});
    if (!selected) {
        view.problems.push_back(selected.error());
        return;
    }
    view.pods_known = true;
    view.pods = pods_in(std::move(*selected));
    if (!view.pods.empty()) {
        return;
    }
    if (auto others = list(kPods, ns, {})) {
        view.other_pods = pods_in(std::move(*others));
    }
}

tl::expected<std::optional<PodDetail>, std::string> ApiDetails::pod_at(std::string_view ip) {
    auto found = list(kPods, {}, {.labels = {}, .fields = "status.podIP=" + std::string(ip)});
    if (!found) {
        return tl::unexpected(found.error());
    }
    for (PodDetail& pod : pods_in(std::move(*found))) {
        if (pod.phase != "Succeeded" && pod.phase != "Failed") {
            return std::optional<PodDetail>(std::move(pod));
        }
    }
    return std::optional<PodDetail>();
}

}  // namespace k8s_client
