// What a credential holds at this moment.
// Knows files and what a token may look like; knows no certificates. No secret enters an error's
// text. Free of state; any thread.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "k8s_client/api_access.h"

namespace k8s_client {

/// The text, or a line that says why there is none; `what` names it: `client key`.
/// Not empty. Of a credential that is not given: an error.
tl::expected<Secret, std::string> credential_text(const Credential& credential,
                                                  std::string_view what);

/// Without white space around it, and fit for a header line.
tl::expected<Secret, std::string> token_text(const Credential& token);

/// How messages name where it came from: the file, or `the kubeconfig`.
std::string origin_of(const Credential& credential);

}  // namespace k8s_client
