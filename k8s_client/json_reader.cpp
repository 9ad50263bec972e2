#include "k8s_client/json_reader.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace k8s_client {
namespace {

/// Numbers stay text: only ports are read, and the decoder knows their range.
class JsonEvents {
  public:
    explicit JsonEvents(ObjectDecoder& decoder) : decoder_(decoder) {}

    // The names are those of RapidJSON's Handler concept.
    // NOLINTBEGIN(readability-identifier-naming)
    bool Null() { return decoder_.null(), true; }
    bool Bool(bool value) { return decoder_.boolean(value), true; }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return decoder_.number({text, size}), true;
    }
    bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return decoder_.string({text, size}), true;
    }
    bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return decoder_.key({text, size}), true;
    }
    bool StartObject() { return decoder_.start_object(); }
    bool StartArray() { return decoder_.start_array(); }
    bool EndObject(rapidjson::SizeType /*members*/) { return decoder_.end(), true; }
    bool EndArray(rapidjson::SizeType /*elements*/) { return decoder_.end(), true; }

    // With kParseNumbersAsStringsFlag these never come; RapidJSON wants them to compile.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }
    // NOLINTEND(readability-identifier-naming)

  private:
    ObjectDecoder& decoder_;
};

}  // namespace

tl::expected<void, SyntaxError> read_json(std::string_view text, ObjectDecoder& decoder) {
    constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag |
                                rapidjson::kParseNumbersAsStringsFlag |
                                rapidjson::kParseValidateEncodingFlag;
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    JsonEvents events(decoder);
    for (;;) {
        rapidjson::SkipWhitespace(stream);
        if (stream.Tell() >= text.size()) {
            return {};
        }
        decoder.start_document();
        const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, events);
        if (result.IsError()) {
            const bool too_deep = result.Code() == rapidjson::kParseErrorTermination;
            return tl::unexpected(SyntaxError{
                line_at(text, result.Offset()),
                too_deep ? "nested too deeply" : rapidjson::GetParseError_En(result.Code())});
        }
        decoder.end_document();
    }
}

}  // namespace k8s_client
