// Directives that a Corefile must not have, each with what is said of it.
// A free function and a value; one thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

namespace server::testing {

struct RefusedDirective {
    std::string_view directive;
    std::string_view error;  // without file; the directive begins on line 2
};

inline void check_errors_of(std::span<const RefusedDirective> refused) {
    for (const RefusedDirective& one : refused) {
        CAPTURE(one.directive);
        CHECK(error_in_block(one.directive) == "Corefile:" + std::string(one.error));
    }
}

}  // namespace server::testing
