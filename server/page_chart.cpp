#include "server/page_chart.h"

#include <algorithm>
#include <cmath>

namespace server {
namespace {

constexpr double kWidth = 300, kHeight = 100;
/// Where samples are missing for longer, the line has a gap.
constexpr double kGap = 10;  // seconds

struct ChartPoint {
    long x = 0, y = 0;
    std::string text() const { return std::to_string(x) + " " + std::to_string(y); }
};

/// Runs of points that are joined.
std::vector<std::vector<ChartPoint>> runs_of(const Chart& chart, const ChartLine& line) {
    std::vector<std::vector<ChartPoint>> runs;
    const double length = std::chrono::duration<double>(chart.length).count();
    double last = 0;
    bool joined = false;
    for (std::size_t i = 0; i < line.values.size(); ++i) {
        const double age = chart.ages[i], value = line.values[i];
        if (std::isnan(value) || age > length) {
            joined = false;
            continue;
        }
        if (!joined || last - age > kGap) {
            runs.emplace_back();
        }
        joined = true;
        last = age;
        const double part = std::clamp(value / chart.top, 0.0, 1.0);
        runs.back().push_back({std::lround(kWidth * (1 - age / length)),
                               std::lround((kHeight - 2) * (1 - part)) + 1});
    }
    return runs;
}

std::string line_path(const std::vector<std::vector<ChartPoint>>& runs, bool to_the_ground) {
    std::string path;
    for (const auto& run : runs) {
        const std::string ground = std::to_string(std::lround(kHeight));
        path += 'M' +
                (to_the_ground ? std::to_string(run.front().x) + " " + ground : run.front().text());
        for (const ChartPoint& point : run) {
            path += 'L' + point.text();
        }
        if (to_the_ground) {
            path += 'L' + std::to_string(run.back().x) + " " + ground + 'Z';
        }
    }
    return path;
}

void write_legend(HtmlText& out, const Chart& chart) {
    out.add("<span class=\"legend\">");
    bool first = true;
    for (const ChartLine& line : chart.lines) {
        if (first) {
            out.add("<span>");
        } else {
            out.add(" <span class=\"two\">");
        }
        first = false;
        out.text(line.name).add(" <b>").text(line.now).add("</b></span>");
    }
    out.add("</span>");
}

}  // namespace

void write_chart(HtmlText& out, const Chart& chart) {
    out.add("<figure class=\"chart\"><figcaption><span class=\"title\">").text(chart.title);
    out.add("</span> ");
    write_legend(out, chart);
    out.add("</figcaption><div class=\"plot\"><span class=\"most\" aria-hidden=\"true\">")
        .text(chart.top_text)
        .add(
            "</span><svg viewBox=\"0 0 300 100\" preserveAspectRatio=\"none\" role=\"img\" "
            "aria-label=\"")
        .text(chart.summary)
        .add("\"><path class=\"frame\" d=\"M0 1H300M0 50H300M0 99H300\"/>");
    for (std::size_t i = chart.lines.size(); i-- > 0;) {
        const auto runs = runs_of(chart, chart.lines[i]);
        if (i == 0 && chart.lines.size() == 1) {
            out.add("<path class=\"area\" d=\"").text(line_path(runs, true)).add("\"/>");
        }
        if (i == 0) {
            out.add("<path class=\"first\" d=\"");
        } else {
            out.add("<path class=\"second\" d=\"");
        }
        out.text(line_path(runs, false)).add("\"/>");
    }
    out.add("</svg></div><div class=\"axis\" aria-hidden=\"true\"><span>")
        .text(span_text(std::chrono::duration<double>(chart.length).count()))
        .add(" ago</span><span>now</span></div></figure>\n");
}

double round_above(double value, double least) {
    value = std::max(value, least);
    const double power = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 2.0, 5.0}) {
        if (value <= step * power) {
            return step * power;
        }
    }
    return 10 * power;
}

}  // namespace server
