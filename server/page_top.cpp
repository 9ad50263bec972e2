#include "server/html_table.h"
#include "server/page_parts.h"

namespace server {
namespace {

HtmlText caption_of(std::string_view list) {
    if (list == "clients") {
        return HtmlText().add("Clients");
    }
    if (list == "names") {
        return HtmlText().add("Names");
    }
    if (list == "nxdomain") {
        return HtmlText().add("Names that do not exist");
    }
    if (list == "wasted") {
        return HtmlText().add("Wasted <span class=\"soft\">tried with a search list first</span>");
    }
    return list == "leaked"
               ? HtmlText().add(
                     "Leaked <span class=\"soft\">cluster names that went upstream</span>")
               : HtmlText().add("Errors");
}

void write_what(HtmlText& out, const TopRow& row) {
    out.add("<span class=\"name\">").text(row.pod.empty() ? row.what : row.pod).add("</span>");
    if (!row.pod.empty()) {
        out.add(" <span class=\"name soft\">").text(row.what).add("</span>");
    } else if (row.pods > 1) {
        out.add(" <span class=\"soft\">").number(row.pods).add(" pods</span>");
    }
    if (!row.rcode.empty()) {
        out.add(" <span class=\"soft\">").text(row.rcode).add("</span>");
    }
}

void write_list(HtmlText& out, const TopReport& report, const TopReport::List& list) {
    out.add("<div data-key=\"").text(list.name).add("\">");
    HtmlTable table(
        out, caption_of(list.name),
        {{list.name == "clients" ? "Client" : "Name"}, {"Queries", true}, {"Share", true}});
    for (const TopRow& row : list.rows) {
        table.row(row.what + " " + row.rcode);
        write_what(table.cell(), row);
        table.cell().number(row.queries);
        table.cell(percent_text(report.share(row.queries), 1));
    }
    table.end();
    if (list.rows.empty()) {
        out.add("<p class=\"empty\">None.</p>");
    }
    out.add("</div>\n");
}

}  // namespace

void write_top(HtmlText& out, const TopReport& report) {
    out.add("<section aria-labelledby=\"who\"><h2 id=\"who\">Who asks what</h2>\n")
        .add("<p class=\"soft window\" id=\"top-window\" data-live>")
        .number(report.queries)
        .add(" queries in ")
        .text(span_text(report.seconds))
        .add("</p>\n<div class=\"grid three\" id=\"top\" data-live>\n");
    for (const TopReport::List& list : report.lists) {
        write_list(out, report, list);
    }
    out.add("</div></section>\n");
}

}  // namespace server
