// Lists and watches of the API, in pieces cut anywhere.
// An input is an octet, the size of the pieces, and the text.
#include <algorithm>

#include "k8s_client/api_response.h"
#include "k8s_client/json_reader.h"
#include "tests/fuzz/objects.h"
#include "tests/fuzz/target.h"
#include "tests/k8s_client/cut_pieces.h"
#include "tests/k8s_client/scripted_http.h"

namespace fuzz {
namespace {

using namespace k8s_client;

struct Decoded {
    Objects objects;
    std::string fault;
};

void decode(std::string_view text, std::size_t piece_size, Decoded& out) {
    ObjectDecoder decoder(out.objects);
    CutPieces pieces(text, piece_size);
    const auto read = read_json(pieces, decoder);
    out.fault = read ? "" : std::to_string(read.error().offset) + read.error().why;
}

struct Progress : WatchProgress {
    bool begun() override { return true; }
    bool events_decoded() override { return true; }
};

struct Watched {
    Objects objects;
    Ending ending;
};

void watch(std::string_view text, std::size_t piece_size, Watched& out) {
    ScriptedResponse response;
    for (std::size_t at = 0; at < text.size(); at += piece_size) {
        response.pieces.emplace_back(text.substr(at, piece_size));
    }
    ScriptedHttp http({response});
    Progress progress;
    Heartbeat heartbeat;
    out.ending = get_events(http, {}, out.objects, progress, heartbeat);
}

}  // namespace

void run_list(Input input) {
    Pieces pieces(input);
    const std::size_t size = 1U + pieces.u8();
    const std::string_view text = text_of(pieces.rest());
    Decoded cut, whole;
    decode(text, size, cut);
    decode(text, std::max<std::size_t>(1, text.size()), whole);
    require(cut.objects.told() == whole.objects.told(), "other objects in pieces than at once");
    require(cut.fault == whole.fault, "another fault in pieces than at once");
    cut.objects.ask();
}

void run_watch(Input input) {
    Pieces pieces(input);
    const std::size_t size = 1U + pieces.u8();
    const std::string_view text = text_of(pieces.rest());
    Watched cut, whole;
    watch(text, size, cut);
    watch(text, std::max<std::size_t>(1, text.size()), whole);
    require(cut.objects.told() == whole.objects.told(), "other events in pieces than at once");
    require(cut.ending.kind == whole.ending.kind, "another ending in pieces than at once");
    require(cut.ending.text.find('\n') == std::string::npos, "a fault of more than one line");
    cut.objects.ask();
}

}  // namespace fuzz
