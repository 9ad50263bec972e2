// Details of Services and pods from an API server, listed when they are asked for.
// Knows which lists tell them, with selectors that leave the rest out; asks for nothing but what
// the server's own role may list. Bounded in time and size: a deadline for all requests together,
// 500 objects a list. One thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "k8s_client/api_access.h"
#include "k8s_client/api_resource.h"
#include "k8s_client/detail_source.h"
#include "k8s_client/http_get.h"

namespace k8s_client {

class ApiDetails : public DetailSource {
  public:
    using Clock = std::chrono::steady_clock;

    static constexpr unsigned kMostObjects = 500;                      // of a list
    static constexpr std::size_t kMostOctets = std::size_t{16} << 20;  // of a response
    static constexpr std::chrono::seconds kLimit{10};                  // for all requests
    static constexpr std::chrono::seconds kSilence{5};                 // within one

    ApiDetails(std::unique_ptr<HttpGet> http, std::chrono::milliseconds limit = kLimit)
        : http_(std::move(http)), deadline_(Clock::now() + limit) {}
    ApiDetails(ApiAccess access, std::string user_agent);

    ServiceView look_at(std::string_view ns, std::string_view service) override;
    tl::expected<std::optional<PodDetail>, std::string> pod_at(std::string_view ip) override;

  private:
    using Details = tl::expected<std::vector<Detail>, std::string>;

    Details list(const ApiResource& resource, std::string_view ns, const Selection& selection);
    void find_slices(std::string_view ns, std::string_view service, ServiceView& view);
    void find_pods(std::string_view ns, ServiceView& view);
    bool is_absent(const ApiResource& resource) const { return absent_ == &resource; }

    std::unique_ptr<HttpGet> http_;
    Clock::time_point deadline_;
    bool unreachable_ = false;             // what comes next would only wait again
    const ApiResource* absent_ = nullptr;  // the last resource that was 404
};

}  // namespace k8s_client
