#include "server/json_text.h"
#include "server/top_report.h"

namespace server {
namespace {

void write_row(std::string_view list, const TopRow& row, const TopReport& report, JsonText& json) {
    json.begin_object();
    if (list == "clients") {
        json.member("client", row.what).key("pod");
        if (row.pod.empty()) {
            json.null();
        } else {
            json.value(row.pod);
        }
        json.member("pods", row.pods);
    } else {
        json.member("name", row.what);
    }
    if (list == "errors") {
        json.member("rcode", row.rcode);
    }
    json.member("queries", row.queries)
        .member("per_second", report.per_second(row.queries))
        .member("share", report.share(row.queries))
        .end_object();
}

}  // namespace

std::string top_json(const TopReport& report) {
    JsonText json;
    json.begin_object()
        .member("window_seconds", report.seconds)
        .member("queries", report.queries)
        .member("per_second", report.per_second(report.queries))
        .key("lists")
        .begin_object();
    for (const TopReport::List& list : report.lists) {
        json.key(list.name).begin_array();
        for (const TopRow& row : list.rows) {
            write_row(list.name, row, report, json);
        }
        json.end_array();
    }
    json.end_object().end_object();
    return json.text();
}

}  // namespace server
