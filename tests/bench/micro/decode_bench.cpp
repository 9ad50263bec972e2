#include <benchmark/benchmark.h>
#include <string>

#include "k8s_client/decode.h"
#include "k8s_client/json_reader.h"

namespace {

using namespace k8s_client;

constexpr unsigned kItems = 1'000;

struct Counting : ObjectReceiver {
    void take(Object, std::size_t) override { ++taken; }
    void skip(const std::string&) override {}
    void pass_over(std::string_view) override {}
    std::int64_t taken = 0;
};

std::string endpoint(const std::string& service, unsigned i) {
    const std::string pod = service + "-" + std::to_string(i);
    return R"({"addresses":["10.128.)" + std::to_string(i) +
           R"(.7"],"conditions":{"ready":true,"serving":true,"terminating":false},"nodeName":"node-17",)"
           R"("targetRef":{"kind":"Pod","namespace":"shop","name":")" +
           pod + R"(","uid":"00000011-7c1f-4e9a-9d52-0000000000a7"},"zone":"eu-central-1a"})";
}

/// With what an API server has beside the fields that count. `kind`: empty, as in a list.
std::string slice(const std::string& kind, unsigned i) {
    const std::string service = "svc-" + std::to_string(i);
    return "{" + kind + R"("metadata":{"name":")" + service + R"(-x7k2p","generateName":")" +
           service +
           R"(-","namespace":"shop","uid":"00000012-7c1f-4e9a-9d52-0000000000b8","resourceVersion":")" +
           std::to_string(100'000 + i) +
           R"(","generation":3,"creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":")" +
           service +
           R"(","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io",)"
           R"("kubernetes.io/service-name":")" +
           service +
           R"("},"annotations":{"endpoints.kubernetes.io/last-change-trigger-time":)"
           R"("2026-05-04T03:02:01Z"},"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":")" +
           service +
           R"(","uid":"00000013-7c1f-4e9a-9d52-0000000000c9","controller":true}],)"
           R"("managedFields":[{"manager":"kube-controller-manager","operation":"Update",)"
           R"("apiVersion":"discovery.k8s.io/v1","time":"2026-05-04T03:02:01Z",)"
           R"("fieldsType":"FieldsV1","fieldsV1":{"f:addressType":{},"f:endpoints":{},)"
           R"("f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:ports":{}}}]},"addressType":"IPv4",)"
           R"("endpoints":[)" +
           endpoint(service, 0) + "," + endpoint(service, 1) + "," + endpoint(service, 2) +
           R"(],"ports":[{"name":"http","port":8080,"protocol":"TCP"}]})";
}

void decode(benchmark::State& state, const std::string& text, const FieldNode& root,
            std::int64_t objects) {
    for (auto _ : state) {
        Counting receiver;
        ObjectDecoder decoder(receiver, root);
        if (!read_json(text, decoder) || receiver.taken != objects) {
            state.SkipWithError("the text was not read as it should be");
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
    state.SetItemsProcessed(state.iterations() * objects);
}

void decode_list(benchmark::State& state) {
    std::string text = R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1",)"
                       R"("metadata":{"resourceVersion":"200000"},"items":[)";
    for (unsigned i = 0; i < kItems; ++i) {
        text += (i == 0 ? "" : ",") + slice("", i);
    }
    decode(state, text + "]}", document_node(), kItems);
}
BENCHMARK(decode_list);

void decode_watch_event(benchmark::State& state) {
    decode(state,
           R"({"type":"MODIFIED","object":)" +
               slice(R"("kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",)", 7) + "}",
           watch_event_node(), 1);
}
BENCHMARK(decode_watch_event);

}  // namespace
