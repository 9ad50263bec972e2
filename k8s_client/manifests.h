// Objects from files instead of an API server: the `manifests` option.
// Knows files and folders of YAML and JSON, and inotify; knows nothing of DNS. Owns one thread that
// waits for changes and calls the sink; the constructor reads everything once on the caller's
// thread.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include "k8s_client/label_selector.h"
#include "k8s_client/source.h"

namespace k8s_client {

struct ManifestOptions {
    std::vector<std::filesystem::path> paths;  // files and folders
    LabelSelector labels;                      // on Services, EndpointSlices, Endpoints and Pods
    LabelSelector namespace_labels;            // on Namespaces
};

/// A path that is absent, or nothing that parses: the process must not start with it.
class ManifestError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Reads them once and forgets them: whether a ManifestSource could start. Throws ManifestError.
void read_manifests(const std::vector<std::filesystem::path>& paths, Journal& journal);

class ManifestSource {
  public:
    /// Reads all paths, gives the sink one batch and synced(), then watches. Throws ManifestError.
    ManifestSource(ManifestOptions options, ObjectSink& sink, Journal& journal);
    /// Stops the thread at once.
    ~ManifestSource();
    ManifestSource(const ManifestSource&) = delete;
    ManifestSource& operator=(const ManifestSource&) = delete;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace k8s_client
