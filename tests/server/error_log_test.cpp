#include "server/error_log.h"

#include <doctest/doctest.h>

#include "tests/server/printed_log.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using testing::lines_of;
using testing::PrintedLog;

const ErrorLog::Clock::time_point kFirstFailure{1h};
const zones::Name kFailedName = zones::Name::parse("example.org").value();

FailedQuery failed(std::string_view why, zones::Rcode rcode = zones::Rcode::ServFail) {
    return {rcode, kFailedName.wire(), 28, why};
}

ConsolidateRule rule(std::chrono::nanoseconds period, std::string expression,
                     std::optional<LogLevel> level = LogLevel::Error, bool show_first = false) {
    return {period, std::move(expression), level, show_first};
}

/// What is printed when `act` has had the log, and the log has gone.
template <typename Act>
std::string printed_errors(const ErrorsConfig& config, Act act, LogStyle style = LogStyle::Text) {
    PrintedLog log(style);
    {
        ErrorLog errors(config, log.sink());
        act(errors);
    }
    return log.text();
}

void repeat(ErrorLog& errors, int times, std::string_view why,
            ErrorLog::Clock::time_point at = kFirstFailure) {
    for (int i = 0; i < times; ++i) {
        errors.error(failed(why), at);
    }
}

}  // namespace

TEST_CASE("without rules an error is a line") {
    CHECK(printed_errors({},
                         [](ErrorLog& errors) {
                             errors.error(failed("i/o timeout"), kFirstFailure);
                             errors.error(failed("too many", zones::Rcode::Refused), kFirstFailure);
                         }) ==
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 5 example.org. AAAA: too many\n");
    const std::string json = printed_errors(
        {}, [](ErrorLog& errors) { errors.error(failed("\"bad\""), kFirstFailure); },
        LogStyle::Json);
    CHECK(json.substr(json.find(",\"level\"")) ==
          ",\"level\":\"error\",\"plugin\":\"errors\",\"rcode\":\"SERVFAIL\","
          "\"name\":\"example.org.\",\"type\":\"AAAA\",\"error\":\"\\\"bad\\\"\"}\n");
}

TEST_CASE("consolidate: a count, once the time since the first is over") {
    const ErrorsConfig config{{rule(5min, "timeout$")}};
    PrintedLog log;
    ErrorLog errors(config, log.sink());
    repeat(errors, 3, "i/o timeout");
    repeat(errors, 4, "i/o timeout", kFirstFailure + 299s);
    errors.tick(kFirstFailure + 300s - 1ns);
    errors.error(failed("marks the time"), kFirstFailure);
    errors.tick(kFirstFailure + 300s);
    errors.tick(kFirstFailure + 300s);
    repeat(errors, 1, "i/o timeout", kFirstFailure + 301s);
    errors.tick(kFirstFailure + 600s);
    errors.error(failed("and again"), kFirstFailure + 600s);
    errors.tick(kFirstFailure + 601s);
    CHECK(log.text() ==
          "[ERROR] plugin/errors: 2 example.org. AAAA: marks the time\n"
          "[ERROR] plugin/errors: 7 errors like 'timeout$' occurred in last 5m0s\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: and again\n"
          "[ERROR] plugin/errors: 1 errors like 'timeout$' occurred in last 5m0s\n");
}

TEST_CASE(
    "consolidate: the first rule that matches decides, at its level; the rest goes at the end") {
    const ErrorsConfig config{{rule(30s, "^a", LogLevel::Warning), rule(1min, "b", LogLevel::Info),
                               rule(1h, "c", std::nullopt)}};
    CHECK(printed_errors(config,
                         [](ErrorLog& errors) {
                             repeat(errors, 2, "ab");
                             repeat(errors, 3, "b");
                             repeat(errors, 4, "c");
                             repeat(errors, 1, "d");
                         }) ==
          "[ERROR] plugin/errors: 2 example.org. AAAA: d\n"
          "[WARNING] plugin/errors: 2 errors like '^a' occurred in last 30s\n"
          "[INFO] plugin/errors: 3 errors like 'b' occurred in last 1m0s\n");
}

TEST_CASE(
    "consolidate with show_first: the first is a line, and a count only where there are more") {
    const ErrorsConfig config{{rule(30s, "x", LogLevel::Warning, true)}};
    CHECK(printed_errors(config, [](ErrorLog& errors) { repeat(errors, 1, "x"); }) ==
          "[WARNING] plugin/errors: 2 example.org. AAAA: x\n");
    CHECK(printed_errors(config, [](ErrorLog& errors) { repeat(errors, 9, "x"); }) ==
          "[WARNING] plugin/errors: 2 example.org. AAAA: x\n"
          "[WARNING] plugin/errors: 9 errors like 'x' occurred in last 30s\n");
}

TEST_CASE("equal errors are summed up, others are not held back by them") {
    CHECK(printed_errors({},
                         [](ErrorLog& errors) {
                             repeat(errors, 1000, "i/o timeout");
                             repeat(errors, 1, "another");
                             errors.tick(kFirstFailure + 1s);
                             repeat(errors, 1, "a third", kFirstFailure + 1s);
                             errors.tick(kFirstFailure + 2s);
                         }) ==
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: i/o timeout\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: another\n"
          "[ERROR] plugin/errors: 995 more errors like 'i/o timeout' (SERVFAIL) occurred in last "
          "1s\n"
          "[ERROR] plugin/errors: 2 example.org. AAAA: a third\n");
}

TEST_CASE("an error that goes on for an hour is not a thousand lines") {
    const std::string text = printed_errors({}, [](ErrorLog& errors) {
        for (auto at = 0ms; at < 1h; at += 100ms) {
            repeat(errors, 10, "i/o timeout", kFirstFailure + at);
            errors.tick(kFirstFailure + at);
        }
    });
    CHECK(lines_of(text) > 600);
    CHECK(lines_of(text) < 800);
    CHECK(text.find("occurred in last 32s\n") != text.npos);
}

TEST_CASE("after a quiet time an error is news again") {
    CHECK(lines_of(printed_errors({}, [](ErrorLog& errors) {
              repeat(errors, 100, "x");
              errors.tick(kFirstFailure + 1s);  // 5 lines and a sum
              repeat(errors, 8, "x", kFirstFailure + 2s);
              errors.tick(kFirstFailure + 3s);  // 5 and a sum: a sparse one, for 2 s
              repeat(errors, 5, "x", kFirstFailure + 4s);
              errors.tick(kFirstFailure + 5s);  // 5
          })) == 17);
}

TEST_CASE("texts that never repeat are bounded, too") {
    const std::string text = printed_errors({}, [](ErrorLog& errors) {
        for (int i = 0; i < 10'000; ++i) {
            errors.error(failed("no. " + std::to_string(i)), kFirstFailure);
        }
        errors.tick(kFirstFailure + 1s);
    });
    CHECK(lines_of(text) == 64 + 5 + 1);
    CHECK(text.find(" more errors like 'any other' (SERVFAIL) occurred in last 1s\n") != text.npos);
}

TEST_CASE("an expression must compile") {
    PrintedLog log;
    CHECK_THROWS_AS(ErrorLog({{rule(1s, "(")}}, log.sink()), std::invalid_argument);
}

TEST_CASE("durations as Go prints them") {
    CHECK(duration_text(0s) == "0s");
    CHECK(duration_text(1ns) == "1ns");
    CHECK(duration_text(1500ns) == "1.5\xc2\xb5s");
    CHECK(duration_text(500ms) == "500ms");
    CHECK(duration_text(1500ms) == "1.5s");
    CHECK(duration_text(30s) == "30s");
    CHECK(duration_text(5min) == "5m0s");
    CHECK(duration_text(90s) == "1m30s");
    CHECK(duration_text(1h + 1ms) == "1h0m0.001s");
}

}  // namespace server
