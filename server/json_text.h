// Writes JSON for `status`: names as UTF-8 that no terminal, page or parser trips over.
// A thin layer over RapidJSON, which stays out of headers. One thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace server {

class JsonText {
  public:
    JsonText();
    ~JsonText();
    JsonText(const JsonText&) = delete;
    JsonText& operator=(const JsonText&) = delete;

    JsonText& begin_object();
    JsonText& end_object();
    JsonText& begin_array();
    JsonText& end_array();
    JsonText& key(std::string_view name);

    /// What is not printable ASCII is escaped (`\u00e9` for octet 0xe9), so nothing in it acts on
    /// who shows it.
    JsonText& value(std::string_view text);
    JsonText& value(const char* text) { return value(std::string_view(text)); }
    JsonText& value(bool yes);
    /// With at most six decimals; what is not finite is null.
    JsonText& value(double number);
    template <std::unsigned_integral T>
    JsonText& value(T number) {
        return number_value(number);
    }
    template <std::signed_integral T>
    JsonText& value(T number) {
        return signed_value(number);
    }
    /// What is UTF-8 already, for people; without control characters.
    JsonText& words(std::string_view text);
    JsonText& null();

    template <typename T>
    JsonText& member(std::string_view name, const T& what) {
        return key(name).value(what);
    }

    std::string text() const;

  private:
    JsonText& number_value(std::uint64_t number);
    JsonText& signed_value(std::int64_t number);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace server
