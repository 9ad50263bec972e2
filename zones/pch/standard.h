// Precompiled: what most files of this folder include. Each still says what it needs.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
