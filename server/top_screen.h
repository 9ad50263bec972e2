// What `keryx top` shows: the lists of /api/top as lines of text, as wide and as many as fit.
// Knows JSON and text; knows no terminal and no HTTP. Free functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace server {

struct ScreenRow {
    std::string name;    // printable
    std::string remark;  // printable; before the name
    double queries = 0, per_second = 0, share = 0;
};
struct ScreenList {
    std::string title;
    std::vector<ScreenRow> rows;
};
struct TopScreen {
    double window_seconds = 0, queries = 0, per_second = 0;
    std::vector<ScreenList> lists{};
};

/// An error in words if `json` is not what /api/top says. Whatever octets names have, no text of
/// the result acts on a terminal.
tl::expected<TopScreen, std::string> read_top(std::string_view json);

/// Lines without newline, none wider than `width` columns. `height`: of the screen, whose rows the
/// lists share; 0: no end.
std::vector<std::string> show_top(const TopScreen& picture, std::string_view server,
                                  std::size_t width, std::size_t height);

/// What is not printable ASCII becomes `?`.
std::string ascii_of(std::string_view text);

}  // namespace server
