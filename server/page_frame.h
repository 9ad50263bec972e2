// What is around the parts of each page: head, navigation, footer.
// Knows paths and landmarks; the rest is given. Free function; any thread.
#pragma once

#include <chrono>
#include <string>

#include "server/html_text.h"

namespace server {

struct PageFrame {
    std::string title;
    std::chrono::milliseconds refresh{2000};  // how often page.js looks for news
    std::chrono::sys_seconds as_of;
};

/// A whole document. `main`: the content of its main landmark.
std::string page_of(const PageFrame& frame, const HtmlText& main);

}  // namespace server
