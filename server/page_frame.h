// What is around the parts of each page: head, navigation, footer.
// Knows paths and landmarks; the rest is given. Free function; any thread.
#pragma once

#include <chrono>
#include <string>

#include "server/html_text.h"

namespace server {

struct PageFrame {
    std::string title{};
    std::chrono::milliseconds refresh{2000};  // how often page.js looks for news; 0: never
    std::chrono::sys_seconds as_of{};
    std::string json = "/api/status";  // where the same is for programs
};

/// A whole document. `main`: the content of its main landmark.
std::string page_of(const PageFrame& frame, const HtmlText& main);

}  // namespace server
