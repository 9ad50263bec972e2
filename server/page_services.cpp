#include <algorithm>

#include "server/html_table.h"
#include "server/page_parts.h"

namespace server {
namespace {

using ServiceKind = zones::ServiceRecords::Kind;

std::string_view service_type(const ServiceRow& row) {
    switch (row.kind) {
        case ServiceKind::ClusterIp:
            return "cluster IP";
        case ServiceKind::Headless:
            return "headless";
        case ServiceKind::ExternalName:
            return "external name";
        case ServiceKind::Nothing:
            break;
    }
    return "no address";
}

void write_readiness(HtmlText& out, const ServiceRow& row) {
    if (row.kind == ServiceKind::ExternalName || row.kind == ServiceKind::Nothing) {
        out.add("<span class=\"soft\">none</span>");
    } else if (row.endpoints == 0) {
        write_state(out, StateMark::Bad, "no endpoints");
    } else {
        const StateMark mark = row.ready == 0              ? StateMark::Bad
                               : row.ready < row.endpoints ? StateMark::Warning
                                                           : StateMark::Ok;
        write_state(out, mark, grouped(row.ready) + " of " + grouped(row.endpoints) + " ready");
    }
    if (!row.answered) {
        out.add(" <span class=\"soft\">no answer</span>");
    }
}

void write_address(HtmlText& out, const ServiceRow& row) {
    out.add("<span class=\"name\">");
    if (row.kind == ServiceKind::ExternalName) {
        out.text(row.target);
    }
    bool first = true;
    for (const std::string& address : row.cluster_ips) {
        out.text(first ? "" : ", ").text(address);
        first = false;
    }
    out.add("</span>");
}

/// Leads to the explanation of the whole name, for the type that it has.
void write_service_name(HtmlText& out, const ServiceRow& row) {
    const bool only_v6 = !row.cluster_ips.empty() &&
                         std::ranges::all_of(row.cluster_ips, [](const std::string& address) {
                             return address.find(':') != std::string::npos;
                         });
    out.add("<a class=\"name\" href=\"/explain?name=")
        .query_part(row.name + "." + row.ns + ".svc." + row.zone);
    if (only_v6) {
        out.add("&amp;type=AAAA");
    }
    out.add("\">").text(row.name).add("</a>");
}

void write_filter(HtmlText& out, const ServiceFilter& filter) {
    out.add(
           "<form action=\"/#services\" method=\"get\" role=\"search\" aria-label=\"Services\">"
           "<label class=\"wide\">Name, namespace or cluster IP"
           "<input type=\"search\" name=\"q\" maxlength=\"253\" autocomplete=\"off\" "
           "autocapitalize=\"none\" spellcheck=\"false\" value=\"")
        .text(filter.words)
        .add(
            "\"></label><label>Show<select name=\"show\"><option value=\"\">all</option>"
            "<option value=\"troubled\"");
    if (filter.troubled) {
        out.add(" selected");
    }
    out.add(
        ">with endpoints missing or not ready</option></select></label>"
        "<button type=\"submit\">Filter</button></form>\n");
}

void write_page_link(HtmlText& out, const ServiceFilter& filter, std::size_t page, Markup word) {
    out.add("<a href=\"/?q=").query_part(filter.words);
    if (filter.troubled) {
        out.add("&amp;show=troubled");
    }
    out.add("&amp;page=").text(std::to_string(page)).add("#services\">").add(word).add("</a>");
}

void write_pages(HtmlText& out, const ServicePage& page, const ServiceFilter& filter) {
    out.add("<div class=\"pages\"><p class=\"soft\">");
    if (page.matching == 0) {
        out.add("None of ").number(page.all).add(" matches.");
    } else {
        out.number(page.first()).add(" to ").number(page.first() + page.rows.size() - 1);
        out.add(" of ").number(page.matching);
        if (page.matching != page.all) {
            out.add(" that match, of ").number(page.all).add(" in all");
        }
    }
    if (page.troubled > 0) {
        out.add(" <a href=\"/?show=troubled#services\">").number(page.troubled);
        out.add(" with endpoints missing or not ready</a>");
    }
    out.add("</p>");
    if (page.pages > 1) {
        out.add("<nav aria-label=\"Pages of Services\">");
        if (page.page > 1) {
            write_page_link(out, filter, 1, "First");
            write_page_link(out, filter, page.page - 1, "Previous");
        }
        out.add("<span>Page ").number(page.page).add(" of ").number(page.pages).add("</span>");
        if (page.page < page.pages) {
            write_page_link(out, filter, page.page + 1, "Next");
            write_page_link(out, filter, page.pages, "Last");
        }
        out.add("</nav>");
    }
    out.add("</div>\n");
}

}  // namespace

void write_services(HtmlText& out, const ServicePage& page, const ServiceFilter& filter,
                    bool zones) {
    out.add(
        "<section id=\"services\" aria-labelledby=\"services-title\">"
        "<h2 id=\"services-title\">Services</h2>\n");
    write_filter(out, filter);
    out.add("<div id=\"services-table\" data-live>\n");
    std::vector<HtmlColumn> columns{
        {"Service"}, {"Namespace"}, {"Type"}, {"Address"}, {"Endpoints"}};
    if (zones) {
        columns.push_back({"Zone"});
    }
    HtmlTable table(out,
                    HtmlText().add("<span class=\"unseen\">Services and their endpoints</span>"),
                    std::move(columns), HtmlTable::Phone::Services);
    for (const ServiceRow& row : page.rows) {
        table.row(row.ns + "/" + row.name + "/" + row.zone);
        write_service_name(table.cell(), row);
        table.cell().add("<span class=\"name\">").text(row.ns).add("</span>");
        table.cell(service_type(row));
        write_address(table.cell(), row);
        write_readiness(table.cell(), row);
        if (zones) {
            table.cell().add("<span class=\"name\">").text(row.zone).add("</span>");
        }
    }
    table.end();
    write_pages(out, page, filter);
    out.add("</div></section>\n");
}

}  // namespace server
