#include "server/log_sink.h"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <regex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "server/operator_log.h"
#include "server/sockets.h"
#include "tests/server/printed_log.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::lines_of;

struct Pipe {
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipe");
        }
        read_end = Fd(ends[0]);
        write_end = Fd(ends[1]);
    }

    /// Reads until `enough` says so, or nothing comes for 10 s.
    template <typename Enough>
    std::string read_until(Enough enough) const {
        std::string text;
        pollfd ready{read_end.get(), POLLIN, 0};
        while (!enough(text) && poll(&ready, 1, 10'000) > 0) {
            char octets[4096];
            const ssize_t got = read(read_end.get(), octets, sizeof octets);
            if (got <= 0) {
                break;
            }
            text.append(octets, static_cast<std::size_t>(got));
        }
        return text;
    }

    std::string read_all() const {
        return read_until([](const std::string&) { return false; });
    }

    Fd read_end, write_end;
};

std::string numbered_line(int number) {
    std::string line = std::to_string(number);
    line.resize(99, '.');
    return line + "\n";
}

/// The sum of what the lines "N lines were lost" say.
std::uint64_t said_lost(const std::string& text) {
    static const std::regex kLost("\\[WARNING\\] log: ([0-9]+) lines were lost[^\n]*\n");
    std::uint64_t sum = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), kLost), end; at != end; ++at) {
        sum += std::stoull((*at)[1]);
    }
    return sum;
}

std::size_t notices_in(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(" lines were lost", at)) != text.npos; ++at) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("nothing is lost where somebody reads, and threads' lines stay whole") {
    constexpr int kThreads = 4, kLines = 5000;
    Pipe pipe;
    std::string text;
    std::thread reader([&] { text = pipe.read_all(); });
    {
        LogSink sink(LogStyle::Text, pipe.write_end.get());
        std::vector<std::thread> writers;
        for (int thread = 0; thread < kThreads; ++thread) {
            writers.emplace_back([&] {
                for (int i = 0; i < kLines; ++i) {
                    sink.write(numbered_line(i));
                }
            });
        }
        for (std::thread& writer : writers) {
            writer.join();
        }
        CHECK(sink.lost() == 0);
    }
    pipe.write_end = Fd();
    reader.join();
    REQUIRE(text.size() == std::size_t{kThreads} * kLines * 100);
    std::vector<int> seen(kLines);
    for (std::size_t at = 0; at < text.size(); at += 100) {
        const int number = std::stoi(text.substr(at, 100));
        REQUIRE(text.substr(at, 100) == numbered_line(number));
        ++seen[static_cast<std::size_t>(number)];
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == kThreads; }));
}

TEST_CASE("a pipe that nobody reads: writers go on, lines are counted, and it is said") {
    constexpr int kLines = 50'000;  // 5 MB
    Pipe pipe;
    LogSink sink(LogStyle::Text, pipe.write_end.get(), {.most = 256 * 1024, .last_words = 1s});
    Clock::duration longest{};
    for (int i = 0; i < kLines; ++i) {
        const auto before = Clock::now();
        sink.write(numbered_line(i));
        longest = std::max(longest, Clock::now() - before);
    }
    CHECK(longest < 1s);  // in fact microseconds; whoever shares this machine is not our doing
    CHECK(sink.lost() > kLines / 2);
    const std::uint64_t lost = sink.lost();
    const std::string text =
        pipe.read_until([&](const std::string& so_far) { return said_lost(so_far) >= lost; });
    CHECK(said_lost(text) == lost);
    CHECK(sink.lost() == lost);
    CHECK(lines_of(text) - notices_in(text) + lost == kLines);

    sink.write("again\n");
    CHECK(pipe.read_until([](const std::string& so_far) { return lines_of(so_far) > 0; }) ==
          "again\n");
}

TEST_CASE("a pipe that nobody reads does not hold up the end") {
    Pipe pipe;
    const auto before = Clock::now();
    {
        LogSink sink(LogStyle::Text, pipe.write_end.get(),
                     {.most = 1024 * 1024, .last_words = 200ms});
        for (int i = 0; i < 5000; ++i) {
            sink.write(numbered_line(i));
        }
    }
    CHECK(Clock::now() - before < 5s);
}

TEST_CASE("without a reader lines are lost, and that is all") {
    Pipe pipe;
    pipe.read_end = Fd();
    (void)std::signal(SIGPIPE, SIG_IGN);
    LogSink sink(LogStyle::Text, pipe.write_end.get());
    sink.write("one\ntwo\n");
    const auto deadline = Clock::now() + 10s;
    while (sink.lost() < 2 && Clock::now() < deadline) {
        std::this_thread::yield();
    }
    CHECK(sink.lost() == 2);
}

TEST_CASE("a batch that is larger than all the room is lost, and that is said at once") {
    Pipe pipe;
    LogSink sink(LogStyle::Json, pipe.write_end.get(), {.most = 100, .last_words = 1s});
    sink.write(numbered_line(1) + numbered_line(2));
    const std::string text =
        pipe.read_until([](const std::string& so_far) { return lines_of(so_far) > 0; });
    CHECK(text.find("\"level\":\"warning\",\"msg\":\"log: 2 lines were lost") != text.npos);
}

TEST_CASE("what an operator reads, as text and as JSON") {
    const std::string text = [] {
        testing::PrintedLog log;
        OperatorLog operator_log(log.sink());
        operator_log.write(LogLevel::Info, "a");
        operator_log.write(LogLevel::Warning, "b\n[ERROR] c");
        operator_log.write(LogLevel::Error, "d");
        operator_log.announce(".:53");
        return log.text();
    }();
    CHECK(text == "[INFO] a\n[WARNING] b [ERROR] c\n[ERROR] d\n.:53\n");

    testing::PrintedLog log(LogStyle::Json);
    OperatorLog operator_log(log.sink());
    operator_log.write(LogLevel::Warning, "say \"\\\x01\xff\xc3\xa9");
    operator_log.announce(".:53");
    const std::regex lines(
        "\\{\"time\":\"2[0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}"
        "Z\","
        "\"level\":\"warning\",\"msg\":\"say \\\\\"\\\\\\\\\\\\u0001\xef\xbf\xbd\xc3\xa9\"\\}\n"
        "\\{\"time\":\"[^\"]+\",\"level\":\"info\",\"msg\":\"\\.:53\"\\}\n");
    const std::string json = log.text();
    CAPTURE(json);
    CHECK(std::regex_match(json, lines));
}

}  // namespace server
