// An explanation as HTML, and the form that asks for one.
// Writes what explanation.h has; knows neither how it was found nor HTTP. Free functions; any
// thread.
#pragma once

#include "server/explanation.h"
#include "server/html_text.h"

namespace server {

/// `asked`: what it shows.
void write_ask_form(HtmlText& out, const ExplainRequest& asked);

void write_explanation(HtmlText& out, const Explanation& explanation);

}  // namespace server
