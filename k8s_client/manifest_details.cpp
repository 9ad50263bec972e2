#include "k8s_client/manifest_details.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "k8s_client/json_reader.h"
#include "k8s_client/manifest_file.h"
#include "k8s_client/yaml_reader.h"

namespace k8s_client {
namespace {

constexpr std::size_t kMaxOthers = 500;

using Take = std::function<void(Detail detail)>;

class TakeDetails : public ValueReceiver {
  public:
    explicit TakeDetails(const Take& take) : take_(take) {}
    void take(const Value& object) override {
        if (auto detail = detail_of(object)) {
            take_(std::move(*detail));
        }
    }

  private:
    const Take& take_;
};

void read_file(const std::filesystem::path& file, const Take& take,
               std::vector<std::string>& problems) {
    const auto text = read_manifest_text(file);
    if (!text) {
        problems.push_back(file.string() + ": " + text.error());
        return;
    }
    TakeDetails receiver(take);
    ValueReader reader(receiver);
    const auto read = file.extension() == ".json" ? read_json_values(*text, reader)
                                                  : read_yaml_values(*text, reader);
    if (!read) {
        problems.push_back(file.string() + ": line " + std::to_string(read.error().line) + ": " +
                           read.error().why);
    }
    if (reader.left_out() > 0) {
        problems.push_back(file.string() + ": " + std::to_string(reader.left_out()) +
                           " objects are too large to be looked at");
    }
}

/// As the server reads them: of an object that stands in two of them, the last counts.
std::vector<std::string> read_all(const std::vector<std::filesystem::path>& paths,
                                  const Take& take) {
    std::vector<std::string> problems;
    for (const auto& path : paths) {
        std::error_code error;
        if (std::filesystem::is_directory(path, error)) {
            for (const auto& file : list_manifests(path)) {
                read_file(file, take, problems);
            }
        } else {
            read_file(path, take, problems);
        }
    }
    return problems;
}

template <typename T>
void put(std::vector<T>& all, T object) {
    std::erase_if(all, [&](const T& known) { return known.name == object.name; });
    all.push_back(std::move(object));
}

/// What of all that is read has to do with one Service.
class ServiceSieve {
  public:
    ServiceSieve(std::string_view ns, std::string_view service) : ns_(ns), service_(service) {}

    void take(Detail detail) {
        std::visit([this](auto& d) { take_one(std::move(d)); }, detail);
    }

    ServiceView view() {
        ServiceView view;
        view.known = view.slices_known = view.pods_known = true;
        // Where a Service has an EndpointSlice, its Endpoints don't count.
        view.slices = std::move(slices_.empty() ? endpoints_ : slices_);
        view.service = std::move(found_);
        if (!view.service) {
            return view;
        }
        for (PodDetail& pod : pods_) {
            if (selects(view.service->selector, pod.labels)) {
                view.pods.push_back(std::move(pod));
            } else if (view.other_pods.size() < kMaxOthers) {
                view.other_pods.push_back(std::move(pod));
            }
        }
        if (!view.pods.empty()) {
            view.other_pods.clear();
        }
        return view;
    }

  private:
    void take_one(ServiceDetail service) {
        if (service.ns == ns_ && service.name == service_) {
            found_ = std::move(service);
        }
    }
    void take_one(std::vector<SliceDetail> slices) {
        if (slices.empty() || slices.front().ns != ns_ || slices.front().service != service_) {
            return;
        }
        if (slices.front().kind == "Endpoints") {
            endpoints_ = std::move(slices);
        } else {
            put(slices_, std::move(slices.front()));
        }
    }
    void take_one(PodDetail pod) {
        if (pod.ns == ns_) {
            put(pods_, std::move(pod));
        }
    }

    std::string_view ns_, service_;
    std::optional<ServiceDetail> found_;
    std::vector<SliceDetail> slices_, endpoints_;
    std::vector<PodDetail> pods_;
};

}  // namespace

ServiceView ManifestDetails::look_at(std::string_view ns, std::string_view service) {
    ServiceSieve sieve(ns, service);
    auto problems = read_all(paths_, [&](Detail detail) { sieve.take(std::move(detail)); });
    ServiceView view = sieve.view();
    view.problems = std::move(problems);
    return view;
}

tl::expected<std::optional<PodDetail>, std::string> ManifestDetails::pod_at(std::string_view ip) {
    std::optional<PodDetail> found;
    read_all(paths_, [&](Detail detail) {
        auto* const pod = std::get_if<PodDetail>(&detail);
        if (pod != nullptr && std::ranges::find(pod->ips, ip) != pod->ips.end() &&
            pod->phase != "Succeeded" && pod->phase != "Failed") {
            found = std::move(*pod);
        }
    });
    return found;
}

}  // namespace k8s_client
