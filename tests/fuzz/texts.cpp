// The small languages: label selectors, times, base64, records, heads of HTTP requests.
#include <algorithm>
#include <string>

#include "k8s_client/base64.h"
#include "k8s_client/label_selector.h"
#include "k8s_client/rfc3339.h"
#include "server/http_request.h"
#include "tests/fuzz/target.h"
#include "tests/support/dns_judge.h"
#include "zones/address.h"
#include "zones/name.h"
#include "zones/presentation.h"

namespace fuzz {
namespace {

void judge_name(std::string_view text) {
    const auto name = zones::Name::parse(text);
    if (name) {
        require(name->wire().size() <= 255, "a name that is too long");
        const auto again = zones::Name::parse(zones::to_string(name->wire()));
        require(again && again->wire() == name->wire(), "a name that does not come back");
    }
}

void judge_record(std::string_view text) {
    const auto record = zones::parse_record(text, 60);
    if (record) {
        require(record->rdata.size() < 65536, "rdata that is too long");
    } else {
        require(!record.error().empty(), "a fault without a reason");
    }
}

void judge_selector(std::string_view text) {
    const auto selector = k8s_client::LabelSelector::parse(text);
    if (selector) {
        selector->matches({{"app", "web"}, {"tier", "3"}});
        require(selector->empty() || !selector->text().empty(), "a selector without its text");
    } else {
        require(!selector.error().empty(), "a fault without a reason");
    }
}

void judge_address(std::string_view text) {
    const auto address = zones::parse_address(text);
    if (address) {
        require(zones::parse_address(zones::to_string(*address)) == address,
                "an address that does not come back");
    }
}

void judge_base64(std::string_view text) {
    const auto octets = k8s_client::decode_base64(text);
    require(!octets || octets->reveal().size() <= text.size() / 4 * 3,
            "more octets than there are");
}

}  // namespace

void run_text(Input input) {
    Pieces pieces(input);
    const std::uint8_t language = pieces.u8() % 6;
    const std::string_view text = text_of(pieces.rest());
    switch (language) {
        case 0:
            return judge_name(text);
        case 1:
            return judge_record(text);
        case 2:
            return judge_selector(text);
        case 3:
            return judge_address(text);
        case 4:
            return judge_base64(text);
        default:
            k8s_client::parse_rfc3339(text);
    }
}

void run_http(Input input) {
    const std::string_view octets = text_of(input);
    const auto request = server::read_request(octets);
    if (!request) {
        require(request.error() >= 400 && request.error() < 600, "no status of an error");
        return;
    }
    if (!*request) {
        return;
    }
    const server::HttpRequest& head = **request;
    require(head.size > 0 && head.size <= octets.size(), "a head that is longer than what came");
    // `GET http://host` asks for what is written nowhere.
    require(head.path.empty() || head.path == "/" ||
                (head.path.data() >= octets.data() &&
                 head.path.data() + head.path.size() <= octets.data() + head.size),
            "a path that is elsewhere");
    // The head alone says the same, and less than the head says nothing.
    const auto alone = server::read_request(octets.substr(0, head.size));
    require(alone && *alone && (*alone)->size == head.size, "what follows changed the request");
    const auto less = server::read_request(octets.substr(0, head.size - 1));
    require(!less || !*less, "a head that is complete before its end");
}

}  // namespace fuzz
