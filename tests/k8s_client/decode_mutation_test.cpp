// Octets of the API, broken at random: nothing may crash, and what passes must be fit for a zone.
// The seed is printed with a failure; KERYX_LONG=yes tries many more.
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/api_names.h"
#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"
#include "tests/k8s_client/cut_pieces.h"

using namespace k8s_client;

namespace {

const std::vector<std::string> kTexts = {
    R"({"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"web",
       "namespace":"prod","uid":"u","resourceVersion":"7","labels":{"a":"b"}},"spec":{"type":
       "ClusterIP","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"ports":[{"name":"http",
       "port":80,"protocol":"TCP"}],"publishNotReadyAddresses":true}}})",
    R"({"type":"MODIFIED","object":{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",
       "metadata":{"name":"web-1","namespace":"prod","labels":{"kubernetes.io/service-name":"web"}},
       "addressType":"IPv4","endpoints":[{"addresses":["10.1.0.1"],"conditions":{"ready":null},
       "hostname":"a","targetRef":{"kind":"Pod","name":"p"}}],"ports":[{"name":"","port":8080}]}})",
    R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired",
       "message":"old","details":{"retryAfterSeconds":1,"causes":[{"reason":"x"}]}}})",
    R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"t"},"items":
       [{"metadata":{"name":"p","namespace":"n"},"status":{"podIP":"10.2.0.1","phase":"Running"}}]})",
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"51","annotations":
       {"k8s.io/initial-events-end":"true"}}}})",
};

struct Judge : ObjectReceiver {
    void take(Object object, std::size_t) override {
        ++taken;
        const ObjectMeta& meta = meta_of(object);
        CHECK(dns_subdomain_fault(meta.name).empty());
        CHECK((meta.ns.empty() || dns_label_fault(meta.ns).empty()));
        if (const auto* service = std::get_if<Service>(&object)) {
            for (const std::string& address : service->cluster_ips) {
                CHECK(ip_family(address).has_value());
            }
        } else if (const auto* slice = std::get_if<EndpointSlice>(&object)) {
            for (const Endpoint& endpoint : slice->subset.endpoints) {
                CHECK((endpoint.hostname.empty() || dns_label_fault(endpoint.hostname).empty()));
            }
        }
    }
    void skip(const std::string&) override {}
    void pass_over(std::string_view) override {}

    std::size_t taken = 0;
};

class Mutator {
  public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    std::string mutate(std::string text) {
        for (std::size_t n = below(4) + 1; n > 0 && !text.empty(); --n) {
            const std::size_t at = below(text.size());
            const std::size_t size = std::min(below(20), text.size() - at);
            switch (below(5)) {
                case 0:
                    text[at] = static_cast<char>(below(256));
                    break;
                case 1:
                    text.erase(at, size);
                    break;
                case 2:
                    text.insert(at, text.substr(below(text.size()), size));
                    break;
                case 3:
                    text[at] = "{}[]\",:\\0"[below(9)];
                    break;
                default:
                    text.insert(at, std::string(below(3) * 400, "[{\"a0"[below(5)]));
            }
        }
        return text;
    }
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }

  private:
    std::mt19937 random_;
};

}  // namespace

TEST_CASE("octets of the API that are broken at random") {
    const char* const wish = std::getenv("KERYX_LONG");
    const int rounds = wish != nullptr && std::string(wish) == "yes" ? 2'000'000 : 40'000;
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    Mutator mutator(seed);
    Judge judge;
    for (int i = 0; i < rounds; ++i) {
        const std::string text = mutator.mutate(kTexts[mutator.below(kTexts.size())]);
        CAPTURE(text);
        ObjectDecoder decoder(judge, mutator.below(4) == 0 ? document_node() : watch_event_node());
        CutPieces pieces(text, mutator.below(64) + 1);
        (void)read_json(pieces, decoder);
    }
    CHECK(judge.taken > 100);  // else the texts are all refused for another reason
}
