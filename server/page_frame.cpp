#include "server/page_frame.h"

namespace server {
namespace {

/// `03:41:22 UTC`
std::string clock_text(std::chrono::sys_seconds at) {
    const std::chrono::hh_mm_ss time(at - std::chrono::floor<std::chrono::days>(at));
    const auto two = [](std::int64_t number) {
        return (number < 10 ? "0" : "") + std::to_string(number);
    };
    return two(time.hours().count()) + ":" + two(time.minutes().count()) + ":" +
           two(time.seconds().count()) + " UTC";
}

}  // namespace

std::string page_of(const PageFrame& frame, const HtmlText& main) {
    HtmlText out;
    out.add(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>)")
        .text(frame.title)
        .add(R"(</title>
<link rel="icon" type="image/svg+xml" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<script src="/page.js" defer></script>
</head>
<body data-refresh=")")
        .text(std::to_string(frame.refresh.count()))
        .add(R"(">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28">Keryx</a>
<nav aria-label="Pages and parts"><a href="/explain">Explain</a>
<a href="/#health">Health</a>
<a href="/#traffic">Rates</a>
<a href="/#who">Who asks</a>
<a href="/#services">Services</a></nav>
<button type="button" id="pause" hidden>Pause updates</button>
</header>
<main id="main" tabindex="-1">
)")
        .add(main)
        .add(R"(<p id="connection" class="connection" role="status"></p>
</main>
<footer><span id="as-of" data-live>As of )")
        .text(clock_text(frame.as_of))
        .add(R"(</span>
<a href=")")
        .text(frame.json)
        .add(R"(">The same as JSON</a>
<noscript><span>Without JavaScript: reload the page for news.</span></noscript>
</footer>
</body>
</html>
)");
    return std::move(out).written();
}

}  // namespace server
