// What is read of HTML: its text, a space for each tag, and one for several; and a text that must
// not become HTML. A free function and a constant; no state.
#pragma once

#include <string>

#include "server/html_text.h"

namespace server::testing {

/// A name as a tenant may choose it.
inline constexpr char kHostileText[] = "<script>alert(1)</script>\"'&";

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
