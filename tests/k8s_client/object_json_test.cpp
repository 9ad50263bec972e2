#include "k8s_client/object_json.h"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "k8s_client/object_kinds.h"
#include "tests/k8s_client/recording_receiver.h"

using namespace k8s_client;

namespace {

std::string json_of(const Object& object) {
    std::string out;
    append_json(object, out);
    return out;
}

/// Objects as the decoder makes them, of any kind, with every field now and then.
class RandomObjects {
  public:
    explicit RandomObjects(unsigned seed) : random_(seed) {}

    Object next() {
        switch (below(5)) {
            case 0: {
                Namespace object{meta()};
                object.meta.ns.clear();
                return object;
            }
            case 1:
                return service();
            case 2:
                return slice();
            case 3:
                return endpoints();
            default:
                return Pod{meta(), one_in(4) ? "" : address(below(2) == 0)};
        }
    }

  private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool one_in(unsigned n) { return below(n) == 0; }

    std::string label(unsigned size) {
        constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
        std::string text;
        for (unsigned i = 0; i < size; ++i) {
            text += kLetters[below(kLetters.size())];
        }
        return text;
    }
    std::string address(bool v6) {
        return v6 ? "fd00::" + std::to_string(1 + below(9999))
                  : "10.0." + std::to_string(below(256)) + '.' + std::to_string(below(256));
    }
    std::string protocol() { return one_in(3) ? "UDP" : one_in(5) ? "SCTP" : "TCP"; }

    ObjectMeta meta() {
        ObjectMeta meta;
        meta.ns = label(1 + below(63));
        meta.name = label(1 + below(63));
        for (unsigned i = below(4); i > 0; --i) {
            meta.labels.emplace_back("example.org/" + label(3) + std::to_string(i),
                                     one_in(3) ? "" : label(5) + "_A.b");
        }
        std::sort(meta.labels.begin(), meta.labels.end());
        if (one_in(2)) {
            meta.uid = label(36);
            meta.resource_version = random_();
        }
        return meta;
    }
    Service service() {
        Service service;
        service.meta = meta();
        service.type = static_cast<ServiceType>(below(4));
        service.headless = service.type != ServiceType::ExternalName && one_in(3);
        if (service.type == ServiceType::ExternalName) {
            service.external_name = "Www." + label(3) + "_x.example" + (one_in(2) ? "." : "");
        } else if (!service.headless) {
            for (unsigned i = below(3); i > 0; --i) {
                service.cluster_ips.push_back(address(one_in(2)));
            }
        }
        for (unsigned i = below(3); i > 0; --i) {
            service.ports.push_back(
                {one_in(3) ? "" : label(4), protocol(), static_cast<std::uint16_t>(random_())});
        }
        service.publish_not_ready_addresses = one_in(3);
        return service;
    }
    Endpoint endpoint(bool v6) {
        return {{address(v6)},
                !one_in(4),
                one_in(3) ? label(8) : "",
                one_in(3) ? label(4) + "." + label(4) : ""};
    }
    std::vector<EndpointPort> ports() {
        std::vector<EndpointPort> ports;
        for (unsigned i = below(3); i > 0; --i) {
            ports.push_back({one_in(3) ? "" : label(4), protocol(), std::nullopt});
            if (!one_in(5)) {
                ports.back().port = static_cast<std::uint16_t>(random_());
            }
        }
        return ports;
    }
    EndpointSlice slice() {
        EndpointSlice slice{meta(), "", {{}, ports()}};
        const bool v6 = one_in(3);
        for (unsigned i = below(4); i > 0; --i) {
            slice.subset.endpoints.push_back(endpoint(v6));
            if (one_in(5)) {
                slice.subset.endpoints.back().addresses.push_back(address(v6));
            }
        }
        if (!one_in(4)) {
            slice.service_name = label(9);
            slice.meta.labels.emplace_back("kubernetes.io/service-name", slice.service_name);
        }
        return slice;
    }
    Endpoints endpoints() {
        Endpoints endpoints{meta(), {}};
        for (unsigned i = below(3); i > 0; --i) {
            EndpointSubset subset{{}, ports()};
            for (unsigned j = below(4); j > 0; --j) {
                subset.endpoints.push_back(endpoint(one_in(3)));
            }
            std::stable_partition(subset.endpoints.begin(), subset.endpoints.end(),
                                  [](const Endpoint& e) { return e.ready; });
            endpoints.subsets.push_back(std::move(subset));
        }
        return endpoints;
    }

    std::mt19937 random_;
};

}  // namespace

TEST_CASE("an object that is written and read again is the same") {
    std::vector<unsigned> seen(kKindCount);
    for (unsigned seed = 0; seed < 20; ++seed) {
        CAPTURE(seed);
        RandomObjects objects(seed);
        for (int i = 0; i < 200; ++i) {
            const Object object = objects.next();
            const std::string text = json_of(object);
            CAPTURE(text);
            const auto read = from_json(text);
            REQUIRE(read.ok);
            REQUIRE(read.skipped == std::vector<std::string>{});
            REQUIRE(read.objects.size() == 1);
            REQUIRE(read.objects.front() == object);
            REQUIRE(text.find('\n') == text.npos);
            ++seen[object.index()];
        }
    }
    CHECK(*std::min_element(seen.begin(), seen.end()) > 100);
}

TEST_CASE("the text is what kubectl would show, without what is not set") {
    Service service;
    service.meta.ns = "prod";
    service.meta.name = "web";
    service.cluster_ips = {"10.0.0.1"};
    service.ports = {{"http", "TCP", 80}};
    CHECK(json_of(service) ==
          R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"prod"},)"
          R"("spec":{"type":"ClusterIP","clusterIPs":["10.0.0.1"],)"
          R"("ports":[{"name":"http","protocol":"TCP","port":80}]}})");
    service.headless = true;
    CHECK(json_of(service).find(R"("clusterIPs":["None"])") != std::string::npos);
    CHECK(json_of(Pod{}) == R"({"apiVersion":"v1","kind":"Pod","metadata":{}})");
}

TEST_CASE("text that JSON must escape is escaped") {
    Namespace object;
    object.meta.labels = {{"a\"b\\", "\n\x01"}};
    const std::string text = json_of(object);
    CHECK(text.find('\n') == text.npos);
    CHECK(text.find(R"("a\"b\\":"\n\u0001")") != text.npos);
}
