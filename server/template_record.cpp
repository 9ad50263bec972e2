#include "server/template_record.h"

namespace server {
namespace {

constexpr std::uint32_t kDefaultTtl = 3600;  // as dns.NewRR of miekg/dns

}  // namespace

tl::expected<TemplateRecord, std::string> TemplateRecord::parse(std::string_view text) {
    auto parsed = TemplateText::parse(text);
    if (!parsed) {
        return tl::unexpected(std::move(parsed.error()));
    }
    TemplateRecord record(std::move(*parsed));
    if (record.text_.is_constant()) {
        auto constant = zones::parse_record(record.text_.expand({}).value_or(""), kDefaultTtl);
        if (!constant) {
            return tl::unexpected(std::move(constant.error()));
        }
        record.constant_ = std::move(*constant);
    }
    return record;
}

tl::expected<zones::PresentedRecord, const char*> TemplateRecord::make(
    const TemplateSubject& subject) const {
    if (constant_) {
        return *constant_;
    }
    const auto text = text_.expand(subject);
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto record = zones::parse_record(*text, kDefaultTtl);
    if (!record) {
        return tl::unexpected<const char*>("a template made no record");
    }
    return std::move(*record);
}

}  // namespace server
