#include "server/forward_text.h"

#include <algorithm>

namespace server {

const ForwardConfig* forward_of(const ServerBlock& block, const zones::Name& name) {
    const auto line = std::ranges::find_if(block.forwards, [&](const ForwardConfig& forward) {
        return name.is_at_or_below(forward.from) &&
               std::ranges::none_of(forward.except, [&](const zones::Name& zone) {
                   return name.is_at_or_below(zone);
               });
    });
    return line == block.forwards.end() ? nullptr : &*line;
}

std::string upstream_text(const resolver::Upstream& upstream) {
    const bool v6 = upstream.address.find(':') != std::string::npos;
    return (v6 ? "[" + upstream.address + "]" : upstream.address) + ':' +
           std::to_string(upstream.port);
}

std::string forward_text(const ForwardConfig& forward) {
    std::string text = forward.from.to_string();
    for (std::size_t i = 0; i < forward.options.upstreams.size(); ++i) {
        text += (i == 0 ? " to " : ", ") + upstream_text(forward.options.upstreams[i]);
    }
    return text;
}

}  // namespace server
