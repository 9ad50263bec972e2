#include "server/top_screen.h"

#include <algorithm>

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace server {
namespace {

struct ShownTable {
    const char* list;
    const char* title;
};
constexpr ShownTable kShownTables[] = {{"clients", "clients"},
                                       {"names", "names"},
                                       {"nxdomain", "names that do not exist"},
                                       {"wasted", "names tried with search suffixes in vain"},
                                       {"leaked", "cluster names sent upstream"},
                                       {"errors", "errors"}};
constexpr std::size_t kWide = 120;  // columns, from which on two lists stand beside each other

double number_of(const rapidjson::Value& object, const char* name) {
    const auto member = object.FindMember(name);
    return member != object.MemberEnd() && member->value.IsNumber() ? member->value.GetDouble()
                                                                    : 0.0;
}

std::string member_text(const rapidjson::Value& object, const char* name) {
    const auto member = object.FindMember(name);
    if (member == object.MemberEnd() || !member->value.IsString()) {
        return "";
    }
    return ascii_of({member->value.GetString(), member->value.GetStringLength()});
}

ScreenRow screen_row(const rapidjson::Value& object) {
    ScreenRow row{.name = member_text(object, "name"),
                  .remark = member_text(object, "rcode"),
                  .queries = number_of(object, "queries"),
                  .per_second = number_of(object, "per_second"),
                  .share = number_of(object, "share")};
    if (row.name.empty()) {
        const std::string pod = member_text(object, "pod");
        row.name = member_text(object, "client");
        if (!pod.empty()) {
            row.name = pod + " (" + row.name + ")";
        } else if (const double pods = number_of(object, "pods"); pods > 1) {
            row.name += fmt::format(" ({:.0f} pods of its node)", pods);
        }
    }
    return row;
}

std::string screen_rate(double rate) {
    return rate >= 99.95 ? fmt::format("{:.0f}", rate) : fmt::format("{:.1f}", rate);
}

std::string cut(std::string text, std::size_t width) {
    if (text.size() > width) {
        text.resize(width);
        if (width > 0) {
            text.back() = '~';
        }
    }
    return text;
}

std::string row_text(const ScreenRow& row, std::size_t width) {
    std::string text = fmt::format("{:>8.0f} {:>7} ", row.queries, screen_rate(row.per_second));
    if (width >= 60) {
        text += fmt::format("{:>5.1f}% ", row.share * 100);
    }
    if (!row.remark.empty()) {
        text += row.remark + " ";
    }
    return cut(text + row.name, width);
}

std::vector<std::string> list_text(const ScreenList& list, std::size_t width, std::size_t rows) {
    std::vector<std::string> lines{cut("-- " + list.title + " --", width)};
    for (std::size_t i = 0; i < std::min(rows, list.rows.size()); ++i) {
        lines.push_back(row_text(list.rows[i], width));
    }
    if (list.rows.empty()) {
        lines.push_back(cut("       - none", width));
    }
    return lines;
}

/// How many rows each list may have, so that all fit into `height`: who needs less leaves it to the
/// others.
std::size_t rows_that_fit(const TopScreen& picture, std::size_t height, std::size_t beside) {
    std::size_t rows = 1;
    for (;;) {
        std::size_t need = 1;
        for (std::size_t i = 0; i < picture.lists.size(); i += beside) {
            std::size_t tallest = 0;
            for (std::size_t k = i; k < std::min(i + beside, picture.lists.size()); ++k) {
                tallest = std::max(tallest, std::min(rows, picture.lists[k].rows.size()));
            }
            need += 1 + std::max<std::size_t>(tallest, 1);
        }
        if (need > height) {
            return std::max<std::size_t>(rows, 2) - 1;
        }
        if (rows > 1000) {
            return rows;
        }
        ++rows;
    }
}

}  // namespace

std::string ascii_of(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(
        out, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return out;
}

tl::expected<TopScreen, std::string> read_top(std::string_view json) {
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    if (document.HasParseError() || !document.IsObject() || !document.HasMember("lists") ||
        !document["lists"].IsObject()) {
        return tl::unexpected(std::string("that is not what /api/top of Keryx says"));
    }
    const rapidjson::Value& lists = document["lists"];
    TopScreen picture{.window_seconds = number_of(document, "window_seconds"),
                      .queries = number_of(document, "queries"),
                      .per_second = number_of(document, "per_second")};
    for (const ShownTable& shown : kShownTables) {
        const auto list = lists.FindMember(shown.list);
        if (list == lists.MemberEnd() || !list->value.IsArray()) {
            continue;
        }
        ScreenList& to = picture.lists.emplace_back(ScreenList{shown.title, {}});
        for (const auto& item : list->value.GetArray()) {
            if (item.IsObject()) {
                to.rows.push_back(screen_row(item));
            }
        }
    }
    return picture;
}

std::vector<std::string> show_top(const TopScreen& picture, std::string_view server,
                                  std::size_t width, std::size_t height) {
    std::vector<std::string> lines{
        cut(fmt::format("keryx {}   {:.0f} queries in {:.0f} s, {} a second", ascii_of(server),
                        picture.queries, picture.window_seconds, screen_rate(picture.per_second)),
            width)};
    const std::size_t beside = height > 0 && width >= kWide ? 2 : 1;
    const std::size_t rows = height > 0 ? rows_that_fit(picture, height, beside) : 1000;
    const std::size_t column = beside == 2 ? (width - 2) / 2 : width;
    for (std::size_t i = 0; i < picture.lists.size(); i += beside) {
        auto left = list_text(picture.lists[i], column, rows);
        if (beside == 2 && i + 1 < picture.lists.size()) {
            const auto right = list_text(picture.lists[i + 1], column, rows);
            left.resize(std::max(left.size(), right.size()));
            for (std::size_t k = 0; k < right.size(); ++k) {
                left[k].resize(column + 2, ' ');
                left[k] += right[k];
            }
        }
        std::ranges::move(left, std::back_inserter(lines));
    }
    if (height > 0 && lines.size() > height) {
        lines.resize(height);
    }
    return lines;
}

}  // namespace server
