// Reads the name servers out of a file in the format of resolv.conf(5).
// Knows only `nameserver` lines; search lists and options are a stub resolver's business.
// Free of state and threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace server {

/// The addresses in the file's order, in canonical spelling, scopes (`%eth0`) dropped. Lines with
/// anything but an address are passed over, as libc does.
std::vector<std::string> parse_nameservers(std::string_view text);

}  // namespace server
