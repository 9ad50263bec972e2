#include "server/config_plugins.h"

#include <doctest/doctest.h>

#include "tests/server/refused_directives.h"

namespace server {
namespace {

using testing::check_errors_of;
using testing::error_in_block;
using testing::RefusedDirective;

void check_loads(std::initializer_list<std::string_view> directives) {
    for (const std::string_view directive : directives) {
        CAPTURE(directive);
        CHECK(error_in_block(directive) == "(loads)");
    }
}

TEST_CASE("errors") {
    check_loads({"errors", "errors stdout", "errors {\n}", "errors { }", "errors {\nstacktrace\n}",
                 "errors stdout {\nconsolidate 30s x show_first\n}"});
    const std::string longest(10'000, 'x');
    CHECK(error_in_block("errors {\nconsolidate 30s " + longest + "\n}") == "(loads)");
    CHECK(error_in_block("errors {\nconsolidate 30s " + longest + "x\n}") ==
          "Corefile:3: a regular expression of consolidate has at most 10000 characters: read '" +
              longest.substr(0, 40) + "...'");
    const RefusedDirective cases[] = {
        {"errors /var/log/x", "2: invalid log file of errors: read '/var/log/x'"},
        {"errors stdout x", "2: errors takes 0 to 1 arguments: read 'errors stdout x'"},
        {"errors {\nstacktrace x\n}", "3: stacktrace takes no arguments: read 'stacktrace x'"},
        {"errors {\nconsolidate 5m\n}",
         "3: consolidate takes 2 to 4 arguments: read 'consolidate 5m'"},
        {"errors {\nconsolidate 5 x\n}",
         "3: consolidate needs a duration such as 500ms or 1m30s, not negative: read '5'"},
        {"errors {\nconsolidate 5m (\n}", "3: not a regular expression: missing ): (: read '('"},
        {"errors {\nconsolidate 5m x fatal\n}",
         "3: wrong value for consolidate: read 'fatal'; known: warning, error, info, debug, "
         "show_first"},
        {"errors {\nconsolidate 5m x info warning\n}",
         "3: show_first comes last, after one level: read 'consolidate 5m x info warning'"},
        {"errors {\nconsolidate 5m x show_first info\n}",
         "3: show_first comes last, after one level: read 'consolidate 5m x show_first info'"},
        {"errors {\nx\n}",
         "3: unknown property of errors: read 'x'; known: consolidate, "
         "stacktrace"},
    };
    check_errors_of(cases);
}

/// PERIOD EXPRESSION LEVEL FIRST of each rule.
std::string consolidate_rules_of(std::string_view directive) {
    const Config config = testing::load("a {\n" + std::string(directive) + "\n}");
    std::string out;
    for (const ConsolidateRule& rule : config.blocks.at(0).errors->rules) {
        out += duration_text(rule.period) + " " + rule.expression + " " +
               (rule.level ? std::to_string(static_cast<int>(*rule.level)) : "-") +
               (rule.show_first ? " first; " : "; ");
    }
    return out;
}

TEST_CASE("rules of consolidate") {
    CHECK(consolidate_rules_of("errors") == "");
    CHECK(consolidate_rules_of(
              "errors {\nconsolidate 5m \".* timeout$\"\nconsolidate 30s \"^Failed .+\" info\n"
              "consolidate 1h a warning show_first\nconsolidate 0 b debug\n"
              "consolidate 1s c show_first\n}") ==
          "5m0s .* timeout$ 2; 30s ^Failed .+ 0; 1h0m0s a 1 first; 0s b -; 1s c 2 first; ");
}

TEST_CASE("loadbalance") {
    check_loads({"loadbalance", "loadbalance round_robin", "loadbalance {\n}"});
    const RefusedDirective cases[] = {
        {"loadbalance random",
         "2: wrong value for loadbalance: read 'random'; known: "
         "round_robin"},
        {"loadbalance round_robin x",
         "2: loadbalance takes 0 to 1 arguments: read 'loadbalance round_robin x'"},
        {"loadbalance weighted f",
         "2: policy not supported in this version: read 'loadbalance weighted f'; known: "
         "round_robin"},
        {"loadbalance {\nprefer 10.0.0.0/8\n}",
         "3: option not supported in this version: read 'prefer 10.0.0.0/8'"},
    };
    check_errors_of(cases);
}

/// NAMES:CLASSES of the first `log` line.
std::string log_of(std::string_view directive) {
    const LogConfig log =
        testing::load("a {\n" + std::string(directive) + "\n}").blocks.at(0).logs.at(0);
    std::string out;
    for (const zones::Name& name : log.names) {
        out += name.to_string() + " ";
    }
    return out + (log.success ? "s" : "-") + (log.denial ? "d" : "-") + (log.error ? "e" : "-");
}

TEST_CASE("log") {
    CHECK(log_of("log") == ". sde");
    CHECK(log_of("log A.org b.org") == "a.org. b.org. sde");
    CHECK(log_of("log . {common}") == ". sde");
    CHECK(log_of("log . \"{remote}:{port} - {>id} \\\"{type} {class} {name} {proto} {size} {>do} "
                 "{>bufsize}\\\" {rcode} {>rflags} {rsize} {duration}\"") == ". sde");
    CHECK(log_of("log a.org b.org {combined}") == "a.org. b.org. sde");
    CHECK(log_of("log . \"{name} {no_such_field}\" {\nclass error\n}") == ". --e");
    CHECK(log_of("log {combined}") == "{combined}. sde");  // a lone argument is a name
    CHECK(log_of("log . {\nclass error\n}") == ". --e");
    CHECK(log_of("log . {\nclass denial error\n}") == ". -de");
    CHECK(log_of("log . {\nclass success\nclass denial\n}") == ". sd-");
    CHECK(log_of("log . {\nclass error all\n}") == ". sde");
    CHECK(log_of("log . {\n}") == ". sde");
    const RefusedDirective cases[] = {
        {"log a..b", "2: not a domain name: read 'a..b'"},
        {"log {\nclass\n}", "3: class takes 1 or more arguments: read 'class'"},
        {"log {\nclass most\n}",
         "3: wrong value for class: read 'most'; known: success, denial, "
         "error, all"},
        {"log {\nlevel x\n}", "3: unknown property of log: read 'level'; known: class"},
    };
    check_errors_of(cases);
}

TEST_CASE("loop and reload") {
    check_loads({"loop", "reload", "reload 2s", "reload 30s 15s", "reload 30s 0", "reload 1h 1s"});
    const RefusedDirective cases[] = {
        {"loop x", "2: loop takes no arguments: read 'loop x'"},
        {"loop {\n}", "2: no '{' may follow here: read 'loop'"},
        {"reload 1s", "2: the interval of reload must be at least 2s: read '1s'"},
        {"reload 30", "2: reload needs a duration such as 500ms or 1m30s, not negative: read '30'"},
        {"reload 30s 500ms", "2: the jitter of reload must be 0 or at least 1s: read '500ms'"},
        {"reload 1m 1s 1s", "2: reload takes 0 to 2 arguments: read 'reload 1m 1s 1s'"},
        {"reload {\n}", "2: no '{' may follow here: read 'reload'"},
    };
    check_errors_of(cases);
}

TEST_CASE("cache: what CoreDNS takes") {
    check_loads({"cache", "cache 30", "cache 30 example.org 10.0.0.0/9", "cache example.org"});
    for (const std::string option :
         {"success 9984", "success 9984 30", "success 9984 3600 0", "denial 9984 5", "prefetch 10",
          "prefetch 10 1m", "prefetch 10 1m 90%", "serve_stale", "serve_stale 1h",
          "serve_stale 3600s immediate", "serve_stale 1h Immediate 30s 5m",
          "serve_stale 1h verify 1s 30s 5m", "serve_stale\nserve_stale_policy prefer_positive",
          "servfail 0", "servfail 5m", "disable success", "disable denial a.org b.org",
          "keepttl"}) {
        CAPTURE(option);
        CHECK(error_in_block("cache 30 {\n" + option + "\n}") == "(loads)");
    }
}

TEST_CASE("cache: what CoreDNS refuses") {
    const RefusedDirective cases[] = {
        {"cache 0", "2: cache needs a whole number from 1 to 2147483647: read '0'"},
        {"cache -1", "2: cache needs a whole number from 1 to 2147483647: read '-1'"},
        {"cache 30 a..b", "2: not a domain name: read 'a..b'"},
        {"cache {\nsuccess\n}", "3: success takes 1 to 3 arguments: read 'success'"},
        {"cache {\nsuccess x\n}",
         "3: success needs a whole number from 0 to 9223372036854775807: read 'x'"},
        {"cache {\ndenial 1 0\n}",
         "3: denial needs a whole number from 1 to 2147483647: read "
         "'0'"},
        {"cache {\ndenial 1 1 -1\n}",
         "3: denial needs a whole number from 0 to 2147483647: read '-1'"},
        {"cache {\nprefetch\n}", "3: prefetch takes 1 to 3 arguments: read 'prefetch'"},
        {"cache {\nprefetch 1 1m 10\n}",
         "3: the percentage of prefetch must end in '%': read '10'"},
        {"cache {\nprefetch 1 1m 9%\n}",
         "3: prefetch needs a whole number from 10 to 90: read "
         "'9'"},
        {"cache {\nserve_stale soon\n}",
         "3: serve_stale needs a duration such as 500ms or 1m30s, not negative: read 'soon'"},
        {"cache {\nserve_stale 1h later\n}",
         "3: wrong value for serve_stale: read 'later'; known: immediate, verify"},
        {"cache {\nserve_stale 1h immediate 1s 6m\n}",
         "3: serve_stale allows at most 5m here: read '6m'"},
        {"cache {\nserve_stale 1h immediate 1s 1s 1s\n}",
         "3: serve_stale takes 0 to 4 arguments: read 'serve_stale 1h immediate 1s 1s 1s'"},
        {"cache {\nserve_stale_policy prefer_positive\n}",
         "3: serve_stale_policy needs serve_stale"},
        {"cache {\nserve_stale_policy x\n}",
         "3: wrong value for serve_stale_policy: read 'x'; known: prefer_positive"},
        {"cache {\nservfail 6m\n}", "3: servfail allows at most 5m here: read '6m'"},
        {"cache {\ndisable\n}", "3: disable takes 1 or more arguments: read 'disable'"},
        {"cache {\ndisable all\n}",
         "3: wrong value for disable: read 'all'; known: success, "
         "denial"},
        {"cache {\nkeepttl 1\n}", "3: keepttl takes no arguments: read 'keepttl 1'"},
        {"cache {\nsize 1\n}",
         "3: unknown property of cache: read 'size'; known: denial, disable, keepttl, prefetch, "
         "serve_stale, serve_stale_policy, servfail, success"},
    };
    check_errors_of(cases);
}

}  // namespace
}  // namespace server
