// What is read of HTML: its text, a space for each tag, and one for several.
// A free function; no state.
#pragma once

#include <string>

#include "server/html_text.h"

namespace server::testing {

inline std::string read_html(const HtmlText& html) {
    std::string text;
    bool inside = false;
    for (const char c : html.written()) {
        inside = c == '<' || (inside && c != '>');
        const bool space = inside || c == '>' || c == '\n' || c == ' ';
        if (!space) {
            text += c;
        } else if (!text.empty() && text.back() != ' ') {
            text += ' ';
        }
    }
    return text;
}

}  // namespace server::testing
