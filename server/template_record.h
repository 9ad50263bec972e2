// One `answer`, `additional` or `authority` of a template: a record, or a text that becomes one.
// Knows both forms; knows nothing of messages. A value; immutable once made, any thread may use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "server/template_text.h"
#include "zones/presentation.h"

namespace server {

class TemplateRecord {
  public:
    /// Constant records are read now, so that the error names what is wrong with them.
    static tl::expected<TemplateRecord, std::string> parse(std::string_view text);

    std::vector<std::string> group_names() const { return text_.group_names(); }

    /// The error lives forever.
    tl::expected<zones::PresentedRecord, const char*> make(const TemplateSubject& subject) const;

  private:
    explicit TemplateRecord(TemplateText text) : text_(std::move(text)) {}

    TemplateText text_;
    std::optional<zones::PresentedRecord> constant_;
};

}  // namespace server
