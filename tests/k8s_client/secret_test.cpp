#include "k8s_client/secret.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include "k8s_client/small_file.h"
#include "tests/support/scratch_folder.h"

using k8s_client::Secret;
using k8s_client::WipingAllocator;

namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
    out << value;
};

static_assert(Printable<std::string> && !Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> &&
              !std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);

}  // namespace

TEST_CASE("secret: what wipe() leaves") {
    std::array<char, 64> octets;
    octets.fill('x');
    k8s_client::wipe(octets.data() + 1, octets.size() - 2);
    CHECK(octets.front() == 'x');
    CHECK(octets.back() == 'x');
    CHECK(std::count(octets.begin(), octets.end(), '\0') == 62);
}

TEST_CASE("secret: a value like others, that says nothing of itself") {
    Secret one("a token");
    const Secret copy = one;
    CHECK(copy == one);
    CHECK(copy.reveal() == "a token");
    const Secret moved = std::move(one);
    CHECK(moved == copy);
    CHECK_FALSE(moved.empty());
    CHECK(Secret().empty());
    CHECK_FALSE(moved == Secret("another"));
}

TEST_CASE("secret: a file is read whole, whatever its size") {
    const support::ScratchFolder folder;
    for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 20'000U}) {
        const std::string text(size, 'k');
        folder.write("key", text);
        const auto secret = k8s_client::read_small_file(folder / "key");
        REQUIRE(secret);
        CHECK(secret->reveal() == text);
    }
    CHECK_FALSE(k8s_client::read_small_file(folder / "none"));
    folder.write("key", std::string(k8s_client::kMaxSmallFile + 1, 'k'));
    CHECK(k8s_client::read_small_file(folder / "key").error() == "larger than the limit of 1 MiB");
}
