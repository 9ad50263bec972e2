#include "server/json_text.h"

#include <cmath>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace server {

struct JsonText::Impl {
    Impl() : writer(buffer) { writer.SetMaxDecimalPlaces(6); }
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::ASCII<>> writer;
};

namespace {

/// Each octet as the character of that number: UTF-8 whatever it was.
std::string latin1_as_utf8(std::string_view octets) {
    std::string text;
    text.reserve(octets.size());
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x80) {
            text += c;
        } else {
            text += static_cast<char>(0xc0 | octet >> 6);
            text += static_cast<char>(0x80 | (octet & 0x3f));
        }
    }
    return text;
}

}  // namespace

JsonText::JsonText() : impl_(std::make_unique<Impl>()) {}
JsonText::~JsonText() = default;

JsonText& JsonText::begin_object() {
    impl_->writer.StartObject();
    return *this;
}

JsonText& JsonText::end_object() {
    impl_->writer.EndObject();
    return *this;
}

JsonText& JsonText::begin_array() {
    impl_->writer.StartArray();
    return *this;
}

JsonText& JsonText::end_array() {
    impl_->writer.EndArray();
    return *this;
}

JsonText& JsonText::key(std::string_view name) {
    impl_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    return *this;
}

JsonText& JsonText::value(std::string_view octets) {
    const std::string text = latin1_as_utf8(octets);
    impl_->writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return *this;
}

JsonText& JsonText::words(std::string_view text) {
    impl_->writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return *this;
}

JsonText& JsonText::value(bool yes) {
    impl_->writer.Bool(yes);
    return *this;
}

JsonText& JsonText::value(double number) {
    if (!std::isfinite(number)) {
        return null();
    }
    impl_->writer.Double(number);
    return *this;
}

JsonText& JsonText::null() {
    impl_->writer.Null();
    return *this;
}

JsonText& JsonText::number_value(std::uint64_t number) {
    impl_->writer.Uint64(number);
    return *this;
}

JsonText& JsonText::signed_value(std::int64_t number) {
    impl_->writer.Int64(number);
    return *this;
}

std::string JsonText::text() const {
    return {impl_->buffer.GetString(), impl_->buffer.GetSize()};
}

}  // namespace server
