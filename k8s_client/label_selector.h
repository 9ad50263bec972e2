// Label selectors, with the syntax and meaning of the Kubernetes API:
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
// Knows labels only. A value; any thread may match with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "k8s_client/objects.h"

namespace k8s_client {

class LabelSelector {
  public:
    LabelSelector() = default;  // matches everything

    /// `a=b, c!=d, e in (f,g), h notin (i), j, !k, l>3, m<4`; the error says what is wrong, where.
    static tl::expected<LabelSelector, std::string> parse(std::string_view text);

    bool matches(const Labels& labels) const;
    bool empty() const { return requirements_.empty(); }
    /// As given, to be sent to an API server.
    const std::string& text() const { return text_; }

  private:
    enum class Operator { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan };
    struct Requirement {
        std::string key;
        Operator op = Operator::Exists;
        std::vector<std::string> values;
    };
    friend class SelectorParser;

    std::string text_;
    std::vector<Requirement> requirements_;
};

}  // namespace k8s_client
