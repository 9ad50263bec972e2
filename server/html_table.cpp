#include "server/html_table.h"

#include <utility>

namespace server {
namespace {

constexpr std::size_t kFits = 3;  // columns, on a phone

}  // namespace

HtmlTable::HtmlTable(HtmlText& out, const HtmlText& caption, std::vector<HtmlColumn> columns,
                     Phone phone)
    : out_(out), columns_(std::move(columns)) {
    if (phone == Phone::Services) {
        out_.add("<table class=\"services\"");
    } else if (columns_.size() > kFits) {
        out_.add("<table class=\"stack\"");
    } else {
        out_.add("<table");
    }
    out_.add(" role=\"table\"><caption>").add(caption);
    out_.add("</caption><thead role=\"rowgroup\"><tr role=\"row\">");
    for (const HtmlColumn& column : columns_) {
        out_.add("<th scope=\"col\" role=\"columnheader\"");
        if (column.number) {
            out_.add(" class=\"number\"");
        }
        out_.add(">").text(column.title).add("</th>");
    }
    out_.add("</tr></thead><tbody role=\"rowgroup\">\n");
}

void HtmlTable::row(std::string_view key) {
    end_cell();
    if (std::exchange(in_row_, true)) {
        out_.add("</tr>\n");
    }
    out_.add("<tr role=\"row\" data-key=\"").text(key).add("\">");
    next_ = 0;
}

HtmlText& HtmlTable::cell() {
    end_cell();
    const HtmlColumn& column = columns_.at(next_);
    if (next_++ == 0) {
        out_.add("<th scope=\"row\" role=\"rowheader\"");
    } else {
        out_.add("<td role=\"cell\"");
    }
    if (column.number) {
        out_.add(" class=\"number\"");
    }
    out_.add(" data-column=\"").text(column.title).add("\"><span>");
    return out_;
}

void HtmlTable::end_cell() {
    if (in_row_ && next_ > 0) {
        out_.add("</span>");
        if (next_ == 1) {
            out_.add("</th>");
        } else {
            out_.add("</td>");
        }
    }
}

void HtmlTable::end() {
    end_cell();
    if (in_row_) {
        out_.add("</tr>\n");
    }
    out_.add("</tbody></table>\n");
}

void write_state(HtmlText& out, StateMark mark, std::string_view word) {
    switch (mark) {
        case StateMark::Ok:
            out.add("<span class=\"state ok\">");
            break;
        case StateMark::Warning:
            out.add("<span class=\"state warn\">");
            break;
        case StateMark::Bad:
            out.add("<span class=\"state bad\">");
            break;
        case StateMark::None:
            out.add("<span class=\"state none\">");
            break;
    }
    out.text(word).add("</span>");
}

}  // namespace server
