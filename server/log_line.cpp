#include "server/log_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "k8s_client/utf8.h"

namespace server {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::Info:
            return "info";
        case LogLevel::Warning:
            return "warning";
        case LogLevel::Error:
            break;
    }
    return "error";
}

std::string_view level_tag(LogLevel level) {
    switch (level) {
        case LogLevel::Info:
            return "[INFO] ";
        case LogLevel::Warning:
            return "[WARNING] ";
        case LogLevel::Error:
            break;
    }
    return "[ERROR] ";
}

std::string time_text() {
    using namespace std::chrono;
    const auto now = floor<milliseconds>(system_clock::now());
    const std::time_t seconds = system_clock::to_time_t(now);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       now.time_since_epoch().count() % 1000);
}

std::string one_line(std::string_view text) {
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(),
        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    return out;
}

void put_string(Writer& writer, std::string_view text) {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    for (std::size_t bad = 0; (bad = k8s_client::find_invalid_utf8(text)) != text.npos;) {
        out.append(text.substr(0, bad)).append(kReplacementCharacter);
        text.remove_prefix(bad + 1);
    }
    return out.append(text);
}

struct PutValue {
    Writer& writer;
    void operator()(std::string_view text) const { put_string(writer, valid_utf8(text)); }
    void operator()(std::uint64_t number) const { writer.Uint64(number); }
    void operator()(bool truth) const { writer.Bool(truth); }
    void operator()(double number) const { writer.Double(number); }
};

}  // namespace

std::string json_line(LogLevel level, std::span<const JsonField> fields) {
    rapidjson::StringBuffer buffer;
    Writer writer(buffer);
    writer.StartObject();
    writer.Key("time");
    put_string(writer, time_text());
    writer.Key("level");
    put_string(writer, level_name(level));
    for (const JsonField& field : fields) {
        writer.Key(field.name.data(), static_cast<rapidjson::SizeType>(field.name.size()));
        std::visit(PutValue{writer}, field.value);
    }
    writer.EndObject();
    buffer.Put('\n');
    return {buffer.GetString(), buffer.GetSize()};
}

std::string log_line(LogStyle style, LogLevel level, std::string_view text) {
    if (style == LogStyle::Text) {
        return std::string(level_tag(level)) + one_line(text) + "\n";
    }
    const std::array<JsonField, 1> fields{{{"msg", text}}};
    return json_line(level, fields);
}

std::string plain_line(LogStyle style, std::string_view text) {
    return style == LogStyle::Text ? one_line(text) + "\n" : log_line(style, LogLevel::Info, text);
}

}  // namespace server
