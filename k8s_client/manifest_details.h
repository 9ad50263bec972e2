// Details of Services and pods from manifests: the files are read again when they are asked for.
// Knows files and folders as the option `manifests` has them; keeps nothing between calls but what
// the last one read. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "k8s_client/detail_source.h"

namespace k8s_client {

class ManifestDetails : public DetailSource {
  public:
    explicit ManifestDetails(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}

    ServiceView look_at(std::string_view ns, std::string_view service) override;
    tl::expected<std::optional<PodDetail>, std::string> pod_at(std::string_view ip) override;

  private:
    std::vector<std::filesystem::path> paths_;
};

}  // namespace k8s_client
