#include "k8s_client/json_reader.h"

#include <utility>

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

namespace k8s_client {
namespace {

constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag |
                            rapidjson::kParseNumbersAsStringsFlag |
                            rapidjson::kParseValidateEncodingFlag;

/// A piece after the other, in the shape of RapidJSON's Stream concept.
class PiecesStream {
  public:
    using Ch = char;

    explicit PiecesStream(TextPieces& pieces) : pieces_(pieces) { refill(); }

    // NOLINTBEGIN(readability-identifier-naming)
    Ch Peek() const { return at_ == end_ ? '\0' : *at_; }
    Ch Take() {
        const Ch c = Peek();
        if (at_ != end_ && ++at_ == end_) {
            refill();
        }
        return c;
    }
    std::size_t Tell() const { return before_ + static_cast<std::size_t>(at_ - begin_); }

    // Only for parsing in place; RapidJSON wants them to compile.
    Ch* PutBegin() { return nullptr; }
    void Put(Ch) {}
    void Flush() {}
    std::size_t PutEnd(Ch*) { return 0; }
    // NOLINTEND(readability-identifier-naming)

    bool ended() const { return at_ == end_; }
    bool token_too_long() const { return too_long_; }
    /// A token ended: what follows is another's.
    void end_token() { token_from_ = Tell(); }

  private:
    void refill() {
        before_ = Tell();
        const std::string_view piece = too_long_ ? std::string_view() : pieces_.next();
        begin_ = at_ = piece.data();
        end_ = begin_ + piece.size();
        too_long_ = too_long_ || before_ - token_from_ > kMaxJsonToken;
        if (too_long_) {
            end_ = at_;
        }
    }

    TextPieces& pieces_;
    const char* begin_ = nullptr;
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    std::size_t before_ = 0;      // octets in the pieces before this one
    std::size_t token_from_ = 0;  // where the last token ended
    bool too_long_ = false;
};

/// Numbers stay text: few are read, and the decoder knows their range.
template <typename Decoder>
class JsonEvents {
  public:
    JsonEvents(Decoder& decoder, PiecesStream& stream) : decoder_(decoder), stream_(stream) {}

    // The names are those of RapidJSON's Handler concept.
    // NOLINTBEGIN(readability-identifier-naming)
    bool Null() { return token(), decoder_.null(), true; }
    bool Bool(bool value) { return token(), decoder_.boolean(value), true; }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return token(), decoder_.number({text, size}), true;
    }
    bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return token(), decoder_.string({text, size}), true;
    }
    bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        return token(), decoder_.key({text, size}), true;
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
    void token() { stream_.end_token(); }

    Decoder& decoder_;
    PiecesStream& stream_;
};

class OnePiece : public TextPieces {
  public:
    explicit OnePiece(std::string_view text) : text_(text) {}
    std::string_view next() override { return std::exchange(text_, {}); }

  private:
    std::string_view text_;
};

template <typename Decoder>
tl::expected<void, JsonFault> read_pieces(TextPieces& pieces, Decoder& decoder) {
    PiecesStream stream(pieces);
    rapidjson::Reader reader;
    JsonEvents events(decoder, stream);
    for (;;) {
        rapidjson::SkipWhitespace(stream);
        if (stream.ended()) {
            return {};
        }
        decoder.start_document();
        const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, events);
        if (stream.token_too_long()) {
            return tl::unexpected(JsonFault{stream.Tell(), "a value of more than 16 MiB"});
        }
        if (result.IsError()) {
            const bool given_up = result.Code() == rapidjson::kParseErrorTermination;
            return tl::unexpected(
                JsonFault{result.Offset(), given_up ? decoder.given_up_for()
                                                    : rapidjson::GetParseError_En(result.Code())});
        }
        decoder.end_document();
    }
}

template <typename Decoder>
tl::expected<void, SyntaxError> read_whole(std::string_view text, Decoder& decoder) {
    OnePiece piece(text);
    const auto read = read_pieces(piece, decoder);
    if (!read) {
        return tl::unexpected(SyntaxError{line_at(text, read.error().offset), read.error().why});
    }
    return {};
}

}  // namespace

tl::expected<void, JsonFault> read_json(TextPieces& pieces, ObjectDecoder& decoder) {
    return read_pieces(pieces, decoder);
}

tl::expected<void, SyntaxError> read_json(std::string_view text, ObjectDecoder& decoder) {
    return read_whole(text, decoder);
}

tl::expected<void, SyntaxError> read_json_values(std::string_view text, ValueReader& reader) {
    return read_whole(text, reader);
}

}  // namespace k8s_client
