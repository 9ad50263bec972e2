// A block's cache from its configuration, and under several workers at once.
#include "server/block_cache.h"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "tests/server/config_loading.h"
#include "tests/support/wire_message.h"

using namespace server::testing;
using namespace std::chrono_literals;
using server::BlockCache;
using server::CacheConfig;
using support::WireMessage;

namespace {

CacheConfig cache_of(const std::string& directive) {
    return load("example.org {\n" + directive + "\n}").blocks.at(0).cache.value();
}

zones::LoweredName lowered(const std::string& text) {
    zones::LoweredName name;
    name.assign(zones::Name::parse(text).value().wire());
    return name;
}

}  // namespace

TEST_CASE("cache: what its options mean") {
    const auto plain = cache_of("cache").options;
    CHECK(plain.success_capacity == 9984);
    CHECK(plain.ttls.success.most == 3600);
    CHECK(plain.ttls.denial.most == 1800);
    CHECK(plain.ttls.denial.least == 5);
    CHECK(plain.ttls.failure == 5);
    CHECK_FALSE(plain.serve_stale);
    CHECK(plain.prefetch_hits == 0);

    const auto config = cache_of(R"(cache 30 example.org 10.0.0.0/9 {
        success 1000 60 10
        denial 2000
        prefetch 5 2m 20%
        serve_stale 2h verify 150ms 7s 1m
        servfail 1500ms
        disable success a.org b.org
        disable denial
        keepttl
    })");
    const auto& options = config.options;
    CHECK(config.zones.size() == 129);
    CHECK(options.success_capacity == 1000);
    CHECK(options.ttls.success.least == 10);
    CHECK(options.ttls.success.most == 60);
    CHECK(options.denial_capacity == 2000);
    CHECK(options.ttls.denial.most == 30);
    CHECK(options.prefetch_hits == 5);
    CHECK(options.prefetch_gap == 2min);
    CHECK(options.prefetch_percent == 20);
    CHECK(options.serve_stale);
    CHECK(options.verify_stale);
    CHECK(options.stale_for == 2h);
    CHECK(options.verify_timeout == 150ms);
    CHECK(options.stale_ttl == 7);
    CHECK(options.recheck == 1min);
    CHECK(options.ttls.failure == 2);
    CHECK(options.keep_ttl);
    CHECK(config.no_success.size() == 2);
    REQUIRE(config.no_denial.size() == 1);
    CHECK(config.no_denial.front().is_root());
}

TEST_CASE("cache: immediate is how stale answers are served unless told otherwise") {
    CHECK_FALSE(cache_of("cache {\nserve_stale\n}").options.verify_stale);
    const auto options = cache_of("cache {\nserve_stale 30m immediate 9s 10s\n}").options;
    CHECK(options.stale_for == 30min);
    CHECK(options.stale_ttl == 9);
    CHECK(options.recheck == 10s);
}

TEST_CASE("cache: the longest durations do not overflow the clock") {
    auto config = cache_of("cache {\nserve_stale 2000000h\nprefetch 1 2000000h\n}");
    BlockCache cache(config, {});
    const auto name = lowered("example.org");
    const resolver::CacheQuestion question{.qname = name.wire(), .qtype = 1, .qclass = 1};
    std::vector<std::uint8_t> buffer(resolver::AnswerCache::kMaxMessage);
    const auto now = BlockCache::Clock::now();
    const WireMessage reply = WireMessage(0x8180)
                                  .question("example.org.", 1)
                                  .record(WireMessage::kAnswer, "example.org.", 1, 60, "\1\2\3\4");
    CHECK(cache.take(question, name, zones::parse_upstream_reply(reply.octets()).value(), {}, now,
                     buffer));
    CHECK(cache.store().find(question, now + 24h, buffer).state == resolver::Found::State::Stale);
}

TEST_CASE("several workers at once see whole answers, each to its own question") {
    CacheConfig config;
    config.options.success_capacity = 1024;  // so that entries go while others are read
    config.options.prefetch_hits = 1;
    config.options.serve_stale = true;
    BlockCache cache(config, {3, 4});
    constexpr unsigned kNames = 4000;
    constexpr unsigned kRounds = 20000;
    std::atomic<std::uint64_t> found_count{0}, wrong{0};
    const auto work = [&](unsigned seed) {
        std::vector<std::uint8_t> buffer(resolver::AnswerCache::kMaxMessage);
        const auto start = BlockCache::Clock::now();
        for (unsigned i = 0; i < kRounds; ++i) {
            seed = seed * 1664525 + 1013904223;
            const unsigned number = (seed >> 8) % kNames;
            const std::string text = "n" + std::to_string(number) + ".org.";
            const std::string rdata{'\1', '\2', static_cast<char>(number >> 8),
                                    static_cast<char>(number)};
            const auto name = lowered(text);
            const resolver::CacheQuestion question{.qname = name.wire(), .qtype = 1, .qclass = 1};
            const auto now = start + std::chrono::milliseconds(10 * i);
            const auto found = cache.store().find(question, now, buffer);
            if (found.state != resolver::Found::State::Miss) {
                found_count.fetch_add(1, std::memory_order_relaxed);
                const std::string_view end(reinterpret_cast<const char*>(&buffer[found.size - 4]),
                                           4);
                if (end != rdata) {
                    wrong.fetch_add(1, std::memory_order_relaxed);
                }
            } else {
                const WireMessage reply = WireMessage(0x8180).question(text, 1).record(
                    WireMessage::kAnswer, text, 1, 60, rdata);
                cache.take(question, name, zones::parse_upstream_reply(reply.octets()).value(), {},
                           now, buffer);
            }
        }
    };
    std::thread first(work, 1), second(work, 2);
    first.join();
    second.join();
    CHECK(wrong == 0);
    CHECK(found_count > 0);
    CHECK(cache.store().counters().success_entries <= 1024);
}
