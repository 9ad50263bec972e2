// `/api/explain` of `status`: an explanation for whoever may ask there.
// Knows the parameters `name`, `type`, `from`, `namespace`, `format` (json or text), and `text`
// (plain or colour: the JSON has the text as well). Runs on the threads of the server.
#pragma once

#include <functional>
#include <memory>

#include "server/instance.h"
#include "server/status_reply.h"

namespace server {

/// Two explain at once; a third is told to ask again.
inline constexpr int kMostExplanations = 2;

/// `instance`: what is being served now; it is kept until the explanation is there.
StatusHandler explain_route(std::function<std::shared_ptr<const Instance>()> instance);

}  // namespace server
