// The store of answers: whose they are, how they age, and what has to go.
#include <map>

#include <doctest/doctest.h>

#include "tests/resolver/cached_replies.h"

using namespace support;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using resolver::AnswerCache;
using resolver::CacheOptions;
using resolver::CacheQuestion;
using resolver::Found;
using Ttls = std::vector<std::uint32_t>;

namespace {

/// A cache and a clock that the test moves.
struct Store {
    explicit Store(const CacheOptions& options = {})
        : cache(options, {1, 2}), buffer(AnswerCache::kMaxMessage) {}

    static CacheQuestion question(const std::string& wire) {
        return {.qname = wire, .qtype = kA, .qclass = 1};
    }

    void put(const std::string& name, const WireMessage& reply) {
        const std::string wire = wire_of(name);
        const auto kept = keep(reply, cache.options().ttls).value();
        cache.insert(question(wire), kept.what, kept.message, now);
    }
    void put_address(const std::string& name, std::uint32_t ttl = 60) {
        put(name, address_reply(name, ttl));
    }
    void put_denial(const std::string& name, std::uint32_t ttl = 60) {
        put(name, reply_to(name, kA, 0x8183)
                      .record(Section::kAuthority, "test.", kSoa, ttl, soa_rdata(ttl)));
    }
    void put_failure(const std::string& name) {
        cache.insert_failure(question(wire_of(name)), {22, "nobody answered"}, now);
    }

    Found find(const std::string& name) {
        const std::string wire = wire_of(name);
        return cache.find(question(wire), now, buffer);
    }
    /// "fresh 0 60": state, rcode and TTLs; "+" if a refresh is due.
    std::string look(const std::string& name) { return text_of(find(name)); }
    std::string look_stale(const std::string& name) {
        const std::string wire = wire_of(name);
        return text_of(cache.find_stale(question(wire), now, buffer));
    }
    std::string text_of(const Found& found) const {
        if (found.state == Found::State::Miss) {
            return found.has_stale ? "miss, stale there" : "miss";
        }
        std::string text = found.state == Found::State::Fresh ? "fresh" : "stale";
        text += " " + std::to_string(buffer[3] & 0x0f);
        if (found.error.says_something()) {
            return text;  // it has no records
        }
        for (const std::uint32_t ttl : ttls_of({buffer.data(), found.size})) {
            text += " " + std::to_string(ttl);
        }
        return text + (found.refresh ? " +" : "");
    }

    AnswerCache cache;
    AnswerCache::Clock::time_point now{1000s};
    Octets buffer;
};

CacheOptions stale_options(bool verify = false) {
    CacheOptions options;
    options.serve_stale = true;
    options.verify_stale = verify;
    return options;
}

}  // namespace

TEST_CASE("TTLs count down with the age, until the answer is gone") {
    Store store;
    store.put_address("a.test.", 60);
    CHECK(store.look("a.test.") == "fresh 0 60");
    store.now += 10500ms;
    CHECK(store.look("a.test.") == "fresh 0 50");
    store.now += 49499ms;
    CHECK(store.look("a.test.") == "fresh 0 1");
    store.now += 1ms;
    CHECK(store.look("a.test.") == "miss");
    store.now -= 70s;  // another worker's clock may be behind
    CHECK(store.look("a.test.") == "fresh 0 60");
}

TEST_CASE("keepttl serves TTLs as they were stored") {
    CacheOptions options;
    options.keep_ttl = true;
    Store store(options);
    store.put_address("a.test.", 60);
    store.now += 59s;
    CHECK(store.look("a.test.") == "fresh 0 60");
    store.now += 1s;
    CHECK(store.look("a.test.") == "miss");
}

TEST_CASE("name, type, class, DO and CD make the key") {
    Store store;
    store.put_address("a.test.");
    const std::string wire = wire_of("a.test.");
    const CacheQuestion same = Store::question(wire);
    const auto found = [&](CacheQuestion question) {
        return store.cache.find(question, store.now, store.buffer).state != Found::State::Miss;
    };
    CHECK(found(same));
    auto other = same;
    other.qtype = 28;
    CHECK_FALSE(found(other));
    other = same;
    other.qclass = 3;
    CHECK_FALSE(found(other));
    other = same;
    other.dnssec_ok = true;
    CHECK_FALSE(found(other));
    other = same;
    other.checking_disabled = true;
    CHECK_FALSE(found(other));
    const std::string longer = wire_of("b.a.test.");
    CHECK_FALSE(found(Store::question(longer)));
}

TEST_CASE("success and denial replace each other") {
    Store store;
    store.put_address("a.test.");
    store.put_denial("a.test.", 30);
    CHECK(store.look("a.test.") == "fresh 3 30");
    store.put_address("a.test.");
    CHECK(store.look("a.test.") == "fresh 0 60");
    CHECK(store.cache.counters().denial_entries == 0);
    store.now += 31s;
    CHECK(store.look("a.test.") == "fresh 0 29");
}

TEST_CASE("what is to be said with a reply is kept with it, and cut where it is long") {
    Store store;
    const std::string wire = wire_of("a.test.");
    const auto kept = keep(address_reply("a.test.", 60)).value();
    const std::string text(300, 'x');
    store.cache.insert(Store::question(wire), kept.what, kept.message, store.now, {15, text});
    store.now += 10s;
    const Found found = store.find("a.test.");
    CHECK(found.state == Found::State::Fresh);
    CHECK(found.size == kept.message.size());
    CHECK(found.error.code == 15);
    CHECK(found.error.text == text.substr(0, AnswerCache::kLongestText));
    CHECK(zones::read_u16(&store.buffer[6]) == 1);
    store.put_address("a.test.");
    CHECK_FALSE(store.find("a.test.").error.says_something());
}

TEST_CASE("a failure is kept for its time, and never hides an answer") {
    Store store;
    store.put_failure("a.test.");
    CHECK(store.look("a.test.") == "fresh 2");
    const Found found = store.find("a.test.");
    CHECK(found.error.code == 22);
    CHECK(found.error.text == "nobody answered");
    CHECK(found.size == zones::kHeaderSize + wire_of("a.test.").size() + 4);
    store.now += 5s;
    CHECK(store.look("a.test.") == "miss");
    store.put_address("b.test.");
    store.put_failure("b.test.");
    CHECK(store.look("b.test.") == "fresh 0 60");
    store.put_denial("c.test.");
    store.put_failure("c.test.");
    CHECK(store.look("c.test.") == "fresh 3 60");

    CacheOptions options;
    options.ttls.failure = 0;
    Store without(options);
    without.put_failure("a.test.");
    CHECK(without.look("a.test.") == "miss");
}

TEST_CASE("an answer ends the failure before it") {
    Store store;
    store.put_failure("a.test.");
    store.put_address("a.test.", 5);
    store.now += 4900ms;
    CHECK(store.look("a.test.") == "fresh 0 1");
    CHECK(store.cache.counters().denial_entries == 0);
}

TEST_CASE("entries are bounded, each kind by its own capacity") {
    CacheOptions options;
    options.success_capacity = 2560;
    options.denial_capacity = 1;  // four a shard at least
    Store store(options);
    for (int i = 0; i < 10000; ++i) {
        const std::string name = "n" + std::to_string(i) + ".test.";
        store.put_address(name);
        store.put_denial("no-" + name);
    }
    const auto counters = store.cache.counters();
    CHECK(counters.success_entries == 2560);
    CHECK(counters.success_evictions == 10000 - 2560);
    CHECK(counters.denial_entries == 1024);
}

TEST_CASE("octets are bounded, too") {
    CacheOptions options;
    options.success_capacity = 25600;  // 100 entries and 100 KiB a shard
    Store store(options);
    const std::string text = std::string(1, '\xfa') + std::string(250, 'x');
    WireMessage reply = reply_to("a.test.", kTxt);
    for (int i = 0; i < 40; ++i) {
        reply.record(Section::kAnswer, "a.test.", kTxt, 60, text);
    }
    const auto kept = keep(reply).value();
    REQUIRE(kept.message.size() > 10000);
    for (int i = 0; i < 5000; ++i) {
        const std::string wire = wire_of("n" + std::to_string(i) + ".test.");
        store.cache.insert(Store::question(wire), kept.what, kept.message, store.now);
    }
    CHECK(store.cache.counters().success_entries <= 256 * 10);
    CHECK(store.cache.counters().success_entries >= 256 * 8);
}

TEST_CASE("a flood of names that nobody asks for twice does not push out the popular ones") {
    CacheOptions options;
    options.success_capacity = 2560;
    Store store(options);
    const auto popular = [](int i) { return "p" + std::to_string(i) + ".test."; };
    for (int i = 0; i < 500; ++i) {
        store.put_address(popular(i));
    }
    for (int i = 0; i < 50000; ++i) {
        store.put_address("x" + std::to_string(i) + ".test.");
        if (i % 200 == 0) {
            for (int p = 0; p < 500; ++p) {
                store.find(popular(p));
            }
        }
    }
    int left = 0;
    for (int i = 0; i < 500; ++i) {
        left += store.find(popular(i)).state == Found::State::Fresh ? 1 : 0;
    }
    CHECK(left > 490);
}

TEST_CASE("serve_stale immediate: what has expired is served with TTL 0, and asked for once") {
    Store store(stale_options());
    store.put_address("a.test.", 60);
    store.now += 60s;
    CHECK(store.look("a.test.") == "stale 0 0 +");
    CHECK(store.look("a.test.") == "stale 0 0");
    store.now += 7s;  // whoever asked has given up
    CHECK(store.look("a.test.") == "stale 0 0 +");
    store.put_failure("a.test.");
    store.now += 4900ms;
    CHECK(store.look("a.test.") == "stale 0 0");
    store.put_address("a.test.", 30);
    CHECK(store.look("a.test.") == "fresh 0 30");
    store.now += 30s + 1h - 1s;
    CHECK(store.look("a.test.") == "stale 0 0 +");
    store.now += 1s;
    CHECK(store.look("a.test.") == "miss");
    CHECK(store.cache.counters().served_stale == 5);
}

TEST_CASE("serve_stale verify: asked first, stale while a failure is kept") {
    Store store(stale_options(true));
    store.put_denial("a.test.", 60);
    store.now += 61s;
    CHECK(store.look("a.test.") == "miss, stale there");
    CHECK(store.look_stale("a.test.") == "stale 3 0");
    store.put_failure("a.test.");
    CHECK(store.look("a.test.") == "stale 3 0");
    store.now += 5s;
    CHECK(store.look("a.test.") == "miss, stale there");
    store.now += 1h;
    CHECK(store.look("a.test.") == "miss");
    CHECK(store.look_stale("a.test.") == "miss");
}

TEST_CASE("prefer_positive: an answer that has expired hides a fresh denial, as long as it may") {
    for (const bool verify : {false, true}) {
        CAPTURE(verify);
        auto options = stale_options(verify);
        options.prefer_positive = true;
        Store store(options);
        store.put_address("a.test.", 60);
        store.put_denial("a.test.", 3600);
        CHECK(store.look("a.test.") == "fresh 0 60");
        store.now += 61s;
        CHECK(store.look("a.test.") == "stale 0 0");  // asked a while ago: no refresh
        store.now += 30min;
        CHECK(store.look("a.test.") == (verify ? "miss, stale there" : "stale 0 0 +"));
        store.now += 30min;  // more than an hour after it has expired
        store.put_denial("a.test.", 60);
        CHECK(store.look("a.test.") == "fresh 3 60");
        store.put_address("a.test.", 60);
        CHECK(store.look("a.test.") == "fresh 0 60");
        CHECK(store.cache.counters().denial_entries == 0);
    }
}

TEST_CASE("serve_stale: its TTL, and how long a failure keeps from asking again") {
    auto options = stale_options();
    options.stale_ttl = 30;
    options.recheck = 20s;
    Store store(options);
    store.put_address("a.test.", 60);
    store.now += 60s;
    CHECK(store.look("a.test.") == "stale 0 30 +");
    store.put_failure("a.test.");
    store.now += 19s;
    CHECK(store.look("a.test.") == "stale 0 30");
    store.now += 1s;
    CHECK(store.look("a.test.") == "stale 0 30 +");
    store.put_failure("b.test.");  // nothing stale: the usual time
    store.now += 5s;
    CHECK(store.look("b.test.") == "miss");
}

TEST_CASE("prefetch: a popular answer is refreshed near its end, once") {
    CacheOptions options;
    options.prefetch_hits = 3;
    Store store(options);
    store.put_address("a.test.", 60);
    for (int i = 0; i < 5; ++i) {
        CHECK(store.look("a.test.") == "fresh 0 60");
    }
    store.now += 53s;
    CHECK(store.look("a.test.") == "fresh 0 7");
    store.now += 1s;
    CHECK(store.look("a.test.") == "fresh 0 6 +");
    CHECK(store.look("a.test.") == "fresh 0 6");
    store.put_address("a.test.", 60);
    store.now += 55s;
    CHECK(store.look("a.test.") == "fresh 0 5 +");  // still popular
    CHECK(store.cache.counters().prefetches == 2);
}

TEST_CASE("prefetch: hits with too long a gap between them do not count") {
    CacheOptions options;
    options.prefetch_hits = 2;
    options.prefetch_gap = 10s;
    options.prefetch_percent = 90;
    Store store(options);
    store.put_address("a.test.", 100);
    for (int i = 0; i < 5; ++i) {
        store.now += 11s;
        CHECK_FALSE(store.find("a.test.").refresh);
    }
    store.now += 10s;
    CHECK(store.find("a.test.").refresh);
}

TEST_CASE("counters: hits, misses, entries") {
    Store store;
    store.put_address("a.test.");
    store.put_denial("b.test.");
    store.find("a.test.");
    store.find("a.test.");
    store.find("b.test.");
    store.find("c.test.");
    const auto counters = store.cache.counters();
    CHECK(counters.success_hits == 2);
    CHECK(counters.denial_hits == 1);
    CHECK(counters.misses == 1);
    CHECK(counters.success_entries == 1);
    CHECK(counters.denial_entries == 1);
}
