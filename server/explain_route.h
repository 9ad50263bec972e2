// `/api/explain` of `status`: an explanation for whoever may ask there.
// Knows the parameters `name`, `type`, `from`, `namespace`, `format` (json or text), and `text`
// (plain or colour: the JSON has the text as well). Runs on the threads of the server.
#pragma once

#include <functional>
#include <memory>

#include <tl/expected.hpp>

#include "server/explanation.h"
#include "server/instance.h"
#include "server/status_reply.h"

namespace server {

/// Two explain at once; a third is told to ask again.
inline constexpr int kMostExplanations = 2;

/// An explanation, or the error to reply with.
using Explain = std::function<tl::expected<Explanation, StatusReply>(const ExplainRequest&)>;

/// Of what is being served now: `instance`, which is kept until the explanation is there. Copies of
/// the result share their places.
Explain explain_with(std::function<std::shared_ptr<const Instance>()> instance);

ExplainRequest explain_request(const StatusRequest& request);

StatusHandler explain_route(Explain explain);

}  // namespace server
