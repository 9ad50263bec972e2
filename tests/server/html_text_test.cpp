// What strangers chose may not act on the page.
#include "server/html_text.h"

#include <doctest/doctest.h>

#include "server/html_table.h"

using server::grouped;
using server::HtmlTable;
using server::HtmlText;
using server::percent_text;
using server::span_text;

namespace {

std::string escaped(std::string_view octets) {
    return HtmlText().text(octets).written();
}

constexpr char kUnknown[] = "\xef\xbf\xbd";

}  // namespace

TEST_CASE("what is markup in HTML is no markup in a text") {
    CHECK(escaped("<script>alert('1') & \"2\"</script>") ==
          "&lt;script&gt;alert(&#39;1&#39;) &amp; &quot;2&quot;&lt;/script&gt;");
    CHECK(escaped("web.prod.svc.cluster.local.") == "web.prod.svc.cluster.local.");
    CHECK(escaped("") == "");
}

TEST_CASE("UTF-8 stays, and what is none is marked") {
    CHECK(escaped("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80") ==
          "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
    // Alone, cut, longer than needed, a surrogate, too high, a lead that is none.
    CHECK(escaped("\x80") == kUnknown);
    CHECK(escaped("a\xc3") == std::string("a") + kUnknown);
    CHECK(escaped("\xc3<") == std::string(kUnknown) + "&lt;");
    CHECK(escaped("\xc0\xbc").find('<') == std::string::npos);
    CHECK(escaped("\xe0\x80\xbc") == std::string(kUnknown) + kUnknown + kUnknown);
    CHECK(escaped("\xed\xa0\x80") == std::string(kUnknown) + kUnknown + kUnknown);
    CHECK(escaped("\xf4\x90\x80\x80").starts_with(kUnknown));
    CHECK(escaped("\xff") == kUnknown);
}

TEST_CASE("every octet, and every pair, leaves nothing that acts") {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string pair{static_cast<char>(first), static_cast<char>(second)};
            const std::string text = escaped(pair);
            INFO(first, " ", second);
            REQUIRE(text.find_first_of("<>\"'") == std::string::npos);
            REQUIRE(text.find('\0') == std::string::npos);
            REQUIRE(text.find('\x1b') == std::string::npos);
            // What was written is UTF-8: escaping it again changes the ampersands alone.
            std::string again = escaped(text);
            for (std::size_t at = 0; (at = again.find("&amp;", at)) != again.npos; ++at) {
                again.replace(at, 5, "&");
            }
            REQUIRE(again == text);
        }
    }
}

TEST_CASE("what turns or hides a text is shown") {
    // RIGHT-TO-LEFT OVERRIDE, ZERO WIDTH SPACE, BYTE ORDER MARK, LINE SEPARATOR, C1
    for (const char* hidden : {"\xe2\x80\xae", "\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\x80\xa8",
                               "\xc2\x85", "\xe2\x81\xa6", "\xc2\xad", "\x7f", "\x1b"}) {
        CHECK(escaped(hidden) == kUnknown);
    }
    CHECK(escaped("a\nb") == "a\nb");
}

TEST_CASE("a part of a query") {
    const auto part = [](std::string_view octets) {
        return HtmlText().query_part(octets).written();
    };
    CHECK(part("web.prod_1~-") == "web.prod_1~-");
    CHECK(part("a&page=2 \"<#%+\xff") == "a%26page%3D2%20%22%3C%23%25%2B%FF");
}

TEST_CASE("numbers, spans and shares for people") {
    CHECK(grouped(0) == "0");
    CHECK(grouped(999) == "999");
    CHECK(grouped(1000) == "1,000");
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(span_text(-1) == "0 s");
    CHECK(span_text(59.9) == "59 s");
    CHECK(span_text(60) == "1 min");
    CHECK(span_text(3600) == "1 h");
    CHECK(span_text(5400) == "1 h 30 min");
    CHECK(span_text(90000) == "1 d 1 h");
    CHECK(percent_text(0, 0) == "0 %");
    CHECK(percent_text(1, 3) == "33 %");
    CHECK(percent_text(1, 100) == "1 %");
    CHECK(percent_text(5, 1000) == "0.5 %");
    CHECK(percent_text(1, 100000) == "under 0.1 %");
}

TEST_CASE("a table has its columns' names in each cell") {
    HtmlText out;
    HtmlTable table(out, HtmlText().add("Things"), {{"Name"}, {"Count", true}});
    table.row("<1>");
    table.cell("a<b");
    table.cell().number(2000);
    table.row("2");
    table.cell("c");
    table.end();
    CHECK(out.written() ==
          "<table role=\"table\"><caption>Things</caption>"
          "<thead role=\"rowgroup\"><tr role=\"row\">"
          "<th scope=\"col\" role=\"columnheader\">Name</th>"
          "<th scope=\"col\" role=\"columnheader\" class=\"number\">Count</th></tr></thead>"
          "<tbody role=\"rowgroup\">\n"
          "<tr role=\"row\" data-key=\"&lt;1&gt;\">"
          "<th scope=\"row\" role=\"rowheader\" data-column=\"Name\"><span>a&lt;b</span></th>"
          "<td role=\"cell\" class=\"number\" data-column=\"Count\"><span>2,000</span></td></tr>\n"
          "<tr role=\"row\" data-key=\"2\">"
          "<th scope=\"row\" role=\"rowheader\" data-column=\"Name\"><span>c</span></th></tr>\n"
          "</tbody></table>\n");
}
