#include "server/config_text.h"

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"

using namespace server::testing;

namespace {

std::string hash(std::string_view text) {
    return server::hash_of(server::parse_corefile(text, "Corefile", "."));
}

server::ServerBlock first_block_of(const std::string& text) {
    return load(text).blocks.front();
}

}  // namespace

TEST_CASE("the hash of a Corefile is its meaning's: comments and white space do not count") {
    const std::string plain = ". {\n errors\n forward . 192.0.2.1\n}\n";
    CHECK(hash(plain).size() == 128);
    CHECK(hash(plain) ==
          hash("# comment\n.   {\n\n errors # why\n   forward   .  \"192.0.2.1\"\n}"));
    CHECK(hash(plain) == hash("(s) {\n errors\n}\n. {\n import s\n forward . 192.0.2.1\n}"));
}

TEST_CASE("whatever changes the meaning changes the hash") {
    const std::string plain = ". {\n errors\n forward . 192.0.2.1\n}\n";
    CHECK(hash(plain) != hash(". {\n errors\n forward . 192.0.2.2\n}\n"));
    CHECK(hash(plain) != hash("a. {\n errors\n forward . 192.0.2.1\n}\n"));
    CHECK(hash(plain) != hash(". {\n errors\n}\nb. {\n forward . 192.0.2.1\n}\n"));
    CHECK(hash(plain) != hash(". {\n errors {\n }\n forward . 192.0.2.1\n}\n"));
    CHECK(hash(". {\n log a b\n}") != hash(". {\n log \"a b\"\n}"));
}

TEST_CASE("what decides on a cluster's answers is told from what does not") {
    const auto written = [](const std::string& keys, const std::string& rest) {
        return first_block_of(keys + " {\n kubernetes cluster.local {\n manifests .\n" + rest)
            .kubernetes->written;
    };
    const std::string same = written(".", "}\n}");
    CHECK(same == written(".", "}\n log\n cache 30\n}"));
    CHECK(same != written(".", " ttl 30\n}\n}"));
    CHECK(same != written(".:54", "}\n}"));
}

TEST_CASE("what decides on a cache's content is told from what does not") {
    const auto written = [](const std::string& rest) {
        return first_block_of(". {\n" + rest + "}").cache->written;
    };
    const std::string same = written("cache 30\nforward . 192.0.2.1\n");
    CHECK(same == written("log\ncache 30\nloop\nforward . 192.0.2.1\n"));
    CHECK(same != written("cache 31\nforward . 192.0.2.1\n"));
    CHECK(same != written("cache 30\nforward . 192.0.2.2\n"));
    CHECK(same != written("cache 30\nforward . 192.0.2.1 {\npolicy sequential\n}\n"));
}
