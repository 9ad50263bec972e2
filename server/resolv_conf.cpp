#include "server/resolv_conf.h"

#include <sstream>

#include "server/config_values.h"

namespace server {

std::vector<std::string> parse_nameservers(std::string_view text) {
    std::vector<std::string> addresses;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string keyword;
        std::string value;
        if (words >> keyword >> value && keyword == "nameserver") {
            if (auto address = parse_address(value.substr(0, value.find('%')))) {
                addresses.push_back(std::move(*address));
            }
        }
    }
    return addresses;
}

}  // namespace server
