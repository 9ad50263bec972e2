// An HttpGet in front of another: an observer is told of each request and its answer.
// Knows nothing of what is asked. Borrows both; threads as HttpGet says.
#pragma once

#include "k8s_client/api_observer.h"
#include "k8s_client/http_get.h"

namespace k8s_client {

class ObservedGet : public HttpGet {
  public:
    /// `observer` null: nobody is told.
    ObservedGet(HttpGet& to, ApiObserver* observer) : to_(to), observer_(observer) {}

    tl::expected<void, HttpFailure> get(const HttpRequest& request, HttpBody& body) override;
    void stop() override { to_.stop(); }
    void interrupt() override { to_.interrupt(); }

  private:
    HttpGet& to_;
    ApiObserver* observer_;
};

}  // namespace k8s_client
