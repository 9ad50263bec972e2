#include "k8s_client/observed_get.h"

namespace k8s_client {
namespace {

/// Tells of the status as soon as it is there: a watch goes on for minutes.
class ObservedBody : public HttpBody {
  public:
    ObservedBody(HttpBody& to, ApiObserver& observer) : to_(to), observer_(observer) {}

    bool head(const HttpHead& head) override {
        answered_ = true;
        observer_.answered(head.status);
        return to_.head(head);
    }
    bool chunk(std::string_view octets) override { return to_.chunk(octets); }

    bool answered() const { return answered_; }

  private:
    HttpBody& to_;
    ApiObserver& observer_;
    bool answered_ = false;
};

}  // namespace

tl::expected<void, HttpFailure> ObservedGet::get(const HttpRequest& request, HttpBody& body) {
    if (observer_ == nullptr) {
        return to_.get(request, body);
    }
    const auto begun = std::chrono::steady_clock::now();
    ObservedBody observed(body, *observer_);
    auto done = to_.get(request, observed);
    if (!done && done.error().kind == HttpFailure::Kind::Stopped) {
        return done;
    }
    if (!observed.answered()) {
        observer_->answered(0);
    }
    if (!request.is_watch) {
        observer_->took(std::chrono::steady_clock::now() - begun);
    }
    return done;
}

}  // namespace k8s_client
