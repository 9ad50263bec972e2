// The files of server/page, as they are in the binary: page/embed.py writes the other half.
// Values that live as long as the process; any thread.
#pragma once

#include <span>
#include <string_view>

namespace server {

struct PageAsset {
    std::string_view name;  // `style.css`
    std::string_view text;
};

std::span<const PageAsset> page_assets();

}  // namespace server
