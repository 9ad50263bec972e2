// What a list, a watch, a manifest or a snapshot brought, held against what may enter a zone, and
// asked for by name. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "k8s_client/decode.h"

namespace fuzz {

/// Takes what a decoder hands over. Every object must be fit for a zone.
class Objects : public k8s_client::ObjectReceiver {
  public:
    void take(k8s_client::Object object, std::size_t document) override;
    void skip(const std::string& message) override;
    void pass_over(std::string_view kind) override;
    void deleted(const k8s_client::ObjectMeta& meta) override;

    /// All in order, as text: equal for equal objects.
    const std::string& told() const { return told_; }

    /// Puts them into a cluster, and asks for every name that they give, and some that they do not:
    /// each answer must be well-formed, and names that nobody touched must be answered as before.
    void ask() const;

  private:
    std::vector<k8s_client::Change> changes_;
    std::string told_;
};

}  // namespace fuzz
