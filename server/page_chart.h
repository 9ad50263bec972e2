// Small charts of the last minutes, as SVG in the page.
// Knows lines in time and how they are told apart (full, dashed); not what they mean. No style
// stands in the markup, which the page's policy forbids: style.css has it. Free functions; any
// thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/html_text.h"

namespace server {

struct ChartLine {
    std::string_view name;
    std::string now;             // as text
    std::vector<double> values;  // NaN: there is none
};

struct Chart {
    std::string_view title;
    std::vector<ChartLine> lines{};  // one or two
    std::string summary{};           // in words, for who does not see it
    double top = 1;                  // the value at its upper edge
    std::string top_text{};
    std::chrono::seconds length{300};
    std::vector<double> ages{};  // of the values, in seconds; falling
};

void write_chart(HtmlText& out, const Chart& chart);

/// 1, 2 or 5 times a power of ten: the least that is not under `value`, nor under `least`.
double round_above(double value, double least);

}  // namespace server
