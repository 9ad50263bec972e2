// Trees of values, and the details of Services and pods that are made of them.
// An input is an octet that says JSON (even) or YAML (odd), and the text.
#include <algorithm>

#include "k8s_client/json_reader.h"
#include "k8s_client/service_detail.h"
#include "k8s_client/yaml_reader.h"
#include "tests/fuzz/target.h"

namespace fuzz {
namespace {

using namespace k8s_client;

std::size_t depth_of(const Value& value) {
    std::size_t depth = 0;
    for (const Value& element : value.elements) {
        depth = std::max(depth, depth_of(element));
    }
    return depth + 1;
}

std::size_t count_of(const Value& value) {
    std::size_t count = 1;
    for (const Value& element : value.elements) {
        count += count_of(element);
    }
    return count;
}

class Judge : public ValueReceiver {
  public:
    void take(const Value& object) override {
        require(object.kind == Value::Kind::Map, "an object that is no map");
        require(depth_of(object) <= ValueReader::kKeptDepth + 1, "a tree that is too deep");
        require(count_of(object) <= ValueReader::kMaxValues + 3, "a tree that is too large");
        const auto detail = detail_of(object);
        if (!detail) {
            return;
        }
        if (const auto* const service = std::get_if<ServiceDetail>(&*detail)) {
            require(!service->name.empty() && !service->ns.empty(), "a Service without a name");
            require(!selects(service->selector, {}), "what has no labels is selected");
            require(service->selector.empty() || selects(service->selector, service->selector),
                    "a selector that does not select itself");
        } else if (const auto* const pod = std::get_if<PodDetail>(&*detail)) {
            require(!pod->ready() || pod->condition("Ready") != nullptr, "ready without saying so");
        }
    }
};

}  // namespace

void run_details(Input input) {
    Pieces pieces(input);
    const bool yaml = (pieces.u8() & 1) != 0;
    const std::string_view text = text_of(pieces.rest());
    Judge judge;
    ValueReader reader(judge);
    const auto read = yaml ? read_yaml_values(text, reader) : read_json_values(text, reader);
    require(read || read.error().line > 0, "a fault without a line");
}

}  // namespace fuzz
