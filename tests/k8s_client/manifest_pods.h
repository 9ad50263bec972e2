// What the tests of manifests share: small Pods, and options that only name paths.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "k8s_client/manifests.h"
#include "tests/k8s_client/recording_sink.h"

namespace k8s_client {

inline std::string pod(const std::string& name, const std::string& ip = "10.0.0.1") {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nstatus: {podIP: " + ip +
           "}\n---\n";
}

inline std::string ip_of(RecordingSink& sink, const std::string& name) {
    return std::get<Pod>(sink.object("Pod default/" + name)).ip;
}

inline ManifestOptions options_for(const std::vector<std::filesystem::path>& paths) {
    ManifestOptions options;
    options.paths = paths;
    return options;
}

}  // namespace k8s_client
