#include "server/hosts.h"

#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/messages.h"
#include "tests/support/scratch_folder.h"

namespace server {
namespace {

using support::ScratchFolder;
using testing::Texts;

using zones::qtype::kTxt;
constexpr std::uint16_t kHttps = 65;

zones::Name name_of(const char* text) {
    return *zones::Name::parse(text);
}

struct Answered {
    Hosts::Outcome outcome = Hosts::Outcome::Failed;
    testing::Reply reply;
};

/// A plugin for all names, and what it answers.
struct Plugin {
    explicit Plugin(HostsConfig config) : hosts(std::move(config), notice) {}

    Answered ask(const std::string& name, std::uint16_t type = 1, std::size_t limit = 512,
                 std::optional<std::uint32_t> random = {}) const {
        const auto octets = testing::make_query({.name = name, .type = type});
        zones::Query query;
        REQUIRE(zones::parse_query(octets, query) == zones::Verdict::Ask);
        std::vector<std::uint8_t> buffer(zones::kMaxMessageSize, 0xee);
        zones::MessageWriter out(buffer);
        out.begin(query, limit);
        zones::LoweredName lowered;
        lowered.assign(query.qname);
        zones::AnswerStyle style;
        style.qtype = type;
        style.rotate = random.has_value();
        style.random = random.value_or(0);
        Answered answered;
        answered.outcome =
            hosts.answer({out.question_name(), &lowered}, style, *hosts.tables().value(), out);
        buffer.resize(out.finish(zones::Rcode::NoError, zones::header::kAa, 0));
        answered.reply = testing::read_reply(buffer);
        return answered;
    }

    Texts answer(const std::string& name, std::uint16_t type = 1) const {
        return ask(name, type).reply.answer;
    }

    std::string notice;
    Hosts hosts;
};

HostsConfig with_lines(const std::string& lines) {
    HostsConfig config;
    config.zones = {zones::Name()};
    config.inline_lines = lines;
    return config;
}

HostsConfig with_file(const std::filesystem::path& file, const std::string& lines = "") {
    HostsConfig config = with_lines(lines);
    config.file = file;
    return config;
}

TEST_CASE("hosts: addresses of both families, spelled as asked") {
    const Plugin plugin(with_lines("10.0.0.1 a.test\nfd00::1 a.test\n10.0.0.2 a.test\n"));
    CHECK(plugin.notice.empty());
    CHECK(plugin.ask("A.Test.").outcome == Hosts::Outcome::Answered);
    CHECK(plugin.answer("A.Test.") ==
          Texts{"A.Test. 3600 IN A 10.0.0.1", "A.Test. 3600 IN A 10.0.0.2"});
    CHECK(plugin.answer("a.test.", 28) == Texts{"a.test. 3600 IN AAAA fd00::1"});
}

TEST_CASE("hosts: the owner under a wildcard is the name asked") {
    const Plugin plugin(with_lines("10.0.0.1 *.test\n"));
    CHECK(plugin.answer("any.test.") == Texts{"any.test. 3600 IN A 10.0.0.1"});
    CHECK(plugin.ask("any.test.", 28).outcome == Hosts::Outcome::NoData);
    CHECK(plugin.ask("a.any.test.").outcome == Hosts::Outcome::Failed);
}

TEST_CASE("hosts: another type of a name that is there is NODATA") {
    const Plugin plugin(with_lines("10.0.0.1 four\nfd00::1 six\n"));
    for (const std::uint16_t type : std::vector<std::uint16_t>{28, 5, 6, 12, 15, 16, 33, 65, 255}) {
        CAPTURE(type);
        const auto answered = plugin.ask("four.", type);
        CHECK(answered.outcome == Hosts::Outcome::NoData);
        CHECK(answered.reply.answer.empty());
    }
    CHECK(plugin.ask("six.", 1).outcome == Hosts::Outcome::NoData);
    CHECK(plugin.ask("six.", 28).outcome == Hosts::Outcome::Answered);
}

TEST_CASE("hosts: a name that is not there fails, or falls through") {
    HostsConfig config = with_lines("10.0.0.1 a.test\n");
    CHECK(Plugin(config).ask("b.test.").outcome == Hosts::Outcome::Failed);
    CHECK(Plugin(config).ask("b.test.", kTxt).outcome == Hosts::Outcome::Failed);
    config.has_fallthrough = true;
    CHECK(Plugin(config).ask("b.test.").outcome == Hosts::Outcome::NextPlugin);
    CHECK(Plugin(config).ask("a.test.", kTxt).outcome == Hosts::Outcome::NoData);
    config.fallthrough_zones = {name_of("x.test"), name_of("y.test")};
    const Plugin plugin(config);
    CHECK(plugin.ask("b.test.").outcome == Hosts::Outcome::Failed);
    CHECK(plugin.ask("y.test.").outcome == Hosts::Outcome::NextPlugin);
    CHECK(plugin.ask("b.X.test.").outcome == Hosts::Outcome::NextPlugin);
}

TEST_CASE(
    "hosts: fallthrough_unsupported is for types but A, AAAA and PTR, in the zones of "
    "fallthrough") {
    HostsConfig config = with_lines("10.0.0.1 a.test a.other\n");
    config.has_fallthrough = config.fallthrough_unsupported = true;
    config.fallthrough_zones = {name_of("test")};
    const Plugin plugin(config);
    CHECK(plugin.ask("a.test.", kTxt).outcome == Hosts::Outcome::NextPlugin);
    CHECK(plugin.ask("a.test.", kHttps).outcome == Hosts::Outcome::NextPlugin);
    CHECK(plugin.ask("a.test.", 28).outcome == Hosts::Outcome::NoData);
    CHECK(plugin.ask("a.test.", 12).outcome == Hosts::Outcome::NoData);
    CHECK(plugin.ask("a.other.", kTxt).outcome == Hosts::Outcome::NoData);
}

TEST_CASE("hosts: names outside the zones of the plugin are the next plugin's") {
    HostsConfig config = with_lines("10.0.0.1 a.test a.other\n");
    config.zones = {name_of("test")};
    const Plugin plugin(config);
    CHECK(plugin.ask("a.test.").outcome == Hosts::Outcome::Answered);
    CHECK(plugin.ask("b.test.").outcome == Hosts::Outcome::Failed);
    CHECK(plugin.ask("a.other.").outcome == Hosts::Outcome::NextPlugin);
    CHECK(plugin.answer("1.0.0.10.in-addr.arpa.", 12) ==
          Texts{"1.0.0.10.in-addr.arpa. 3600 IN PTR a.test."});
}

TEST_CASE("hosts: PTR has all names of an address; without one it is the next plugin's") {
    const std::string lines =
        "10.0.0.1 One.test two.test *.test\n10.0.0.1 three.test one.test\nfd00::1 six.test\n";
    const Plugin plugin(with_lines(lines));
    const std::string v4 = "1.0.0.10.in-addr.arpa.";
    const std::string v6 =
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.IP6.arpa.";
    CHECK(plugin.ask(v4, 12).outcome == Hosts::Outcome::Answered);
    CHECK(plugin.answer(v4, 12) == Texts{v4 + " 3600 IN PTR one.test.",
                                         v4 + " 3600 IN PTR two.test.",
                                         v4 + " 3600 IN PTR three.test."});
    CHECK(plugin.answer(v6, 12) == Texts{v6 + " 3600 IN PTR six.test."});
    for (const std::string name :
         {"2.0.0.10.in-addr.arpa.", "0.0.10.in-addr.arpa.", "in-addr.arpa.",
          "x.1.0.0.10.in-addr.arpa.", "ip6.arpa.", "nothing.test.other."}) {
        CAPTURE(name);
        CHECK(plugin.ask(name, 12).outcome == Hosts::Outcome::NextPlugin);
    }
    HostsConfig config = with_lines(lines);
    config.reverse = false;
    CHECK(Plugin(config).ask(v4, 12).outcome == Hosts::Outcome::NextPlugin);
    CHECK(Plugin(config).ask("one.test.").outcome == Hosts::Outcome::Answered);
}

TEST_CASE("hosts: ttl, rotation, truncation") {
    std::string lines;
    for (int i = 0; i < 100; ++i) {
        lines += "10.0.0." + std::to_string(i) + " many n" + std::to_string(i) + "\n192.0.2.1 p" +
                 std::to_string(i) + ".a-long-name.test\n";
    }
    HostsConfig config = with_lines(lines);
    config.ttl = 60;
    const Plugin plugin(config);
    CHECK(plugin.answer("n7.") == Texts{"n7. 60 IN A 10.0.0.7"});
    const auto all = plugin.ask("many.", 1, 4096);
    CHECK(all.reply.answer.size() == 100);
    CHECK(all.reply.answer[0] == "many. 60 IN A 10.0.0.0");
    CHECK(plugin.ask("many.", 1, 4096, 242).reply.answer[0] == "many. 60 IN A 10.0.0.42");
    CHECK(plugin.ask("many.", 1, 4096, 242).reply.answer.size() == 100);
    for (const auto& cut : {plugin.ask("many."), plugin.ask("1.2.0.192.in-addr.arpa.", 12)}) {
        CHECK(cut.outcome == Hosts::Outcome::Answered);
        CHECK(cut.reply.flags.find("tc") != std::string::npos);
        CHECK(cut.reply.size <= 512);
        CHECK(cut.reply.answer.size() > 10);
    }
}

TEST_CASE("hosts: the lines of the file come before those of the Corefile, and change alone") {
    const ScratchFolder folder;
    const auto file = folder.write("hosts", "10.0.0.1 a\n10.0.0.2 b\n");
    Plugin plugin(with_file(file, "10.0.0.9 a\n10.0.0.8 c\n"));
    CHECK(plugin.notice.empty());
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.1", "a. 3600 IN A 10.0.0.9"});
    CHECK(plugin.hosts.reload().empty());
    const auto before = plugin.hosts.tables().value();
    CHECK(plugin.hosts.reload().empty());
    CHECK(plugin.hosts.tables().value() == before);  // nothing was read
    folder.write("hosts", "10.0.0.3 a longer line\n");
    CHECK(plugin.hosts.reload().empty());
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.3", "a. 3600 IN A 10.0.0.9"});
    CHECK(plugin.ask("b.").outcome == Hosts::Outcome::Failed);
    CHECK(plugin.answer("c.") == Texts{"c. 3600 IN A 10.0.0.8"});
}

TEST_CASE(
    "hosts: a file of equal size and time is another by its inode, as when it is swapped in") {
    const ScratchFolder folder;
    const auto file = folder.write("hosts", "10.0.0.1 a\n");
    const auto other = folder.write("other", "10.0.0.2 a\n");
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    const timespec times[2] = {status.st_atim, status.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, other.c_str(), times, 0) == 0);
    Plugin plugin(with_file(file));
    std::filesystem::rename(other, file);
    CHECK(plugin.hosts.reload().empty());
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.2"});
}

TEST_CASE("hosts: a change of the time alone, a nanosecond, is a change") {
    const ScratchFolder folder;
    const auto file = folder.write("hosts", "10.0.0.1 a\n");
    Plugin plugin(with_file(file));
    const auto before = plugin.hosts.tables().value();
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    timespec times[2] = {status.st_atim, status.st_mtim};
    times[1].tv_nsec += times[1].tv_nsec == 999999999 ? -1 : 1;
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
    CHECK(plugin.hosts.reload().empty());
    CHECK(plugin.hosts.tables().value() != before);
}

TEST_CASE("hosts: a file that goes leaves its names, and is complained about once") {
    const ScratchFolder folder;
    const auto file = folder.write("hosts", "10.0.0.1 a\n");
    Plugin plugin(with_file(file));
    std::filesystem::remove(file);
    CHECK(plugin.hosts.reload() == file.string() +
                                       ": No such file or directory; the names that were read "
                                       "before stay");
    CHECK(plugin.hosts.reload().empty());
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.1"});
    std::filesystem::create_directory(file);
    CHECK(plugin.hosts.reload() ==
          file.string() + ": is a folder; the names that were read before stay");
    CHECK(plugin.hosts.reload().empty());
    std::filesystem::remove(file);
    folder.write("hosts", "10.0.0.2 a\n");
    CHECK(plugin.hosts.reload() == file.string() + ": could be read now");
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.2"});
    CHECK(plugin.hosts.reload().empty());
}

TEST_CASE("hosts: a file that is not there at the start is taken up once it appears") {
    const ScratchFolder folder;
    const auto file = folder.path() / "hosts";
    HostsConfig config = with_file(file, "10.0.0.9 c\n");
    Plugin plugin(config);
    CHECK(plugin.notice ==
          file.string() +
              ": No such file or directory; hosts goes on without it until it can be read");
    CHECK(plugin.answer("c.") == Texts{"c. 3600 IN A 10.0.0.9"});
    CHECK(plugin.hosts.reload().empty());
    folder.write("hosts", "10.0.0.1 a\n");
    CHECK(plugin.hosts.reload() == file.string() + ": could be read now");
    CHECK(plugin.answer("a.") == Texts{"a. 3600 IN A 10.0.0.1"});
    CHECK(plugin.answer("c.") == Texts{"c. 3600 IN A 10.0.0.9"});
    std::filesystem::remove(file);
    config.reload = std::chrono::milliseconds(0);
    CHECK(Plugin(config).notice ==
          file.string() + ": No such file or directory; hosts goes on without it");
}

TEST_CASE("hosts: files beyond 64 MiB, pipes and devices") {
    const ScratchFolder folder;
    const auto large = folder.write("large", "10.0.0.1 a\n");
    std::filesystem::resize_file(large, (std::uintmax_t{64} << 20) + 1);
    const Plugin too_large(with_file(large));
    CHECK(too_large.notice.find(": larger than 64 MiB; ") != std::string::npos);
    CHECK(too_large.ask("a.").outcome == Hosts::Outcome::Failed);
    const auto pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(Plugin(with_file(pipe, "10.0.0.1 a\n")).ask("a.").outcome == Hosts::Outcome::Answered);
    CHECK(Plugin(with_file("/dev/null", "10.0.0.1 a\n")).notice.empty());
    CHECK(Plugin(with_file("/dev/zero")).notice.find(": larger than 64 MiB; ") !=
          std::string::npos);
}

TEST_CASE("hosts: how often the file is looked at") {
    HostsConfig config = with_lines("10.0.0.1 a\n");
    CHECK(Plugin(config).hosts.reload_interval() == std::chrono::milliseconds(0));
    CHECK(Plugin(config).hosts.reload().empty());
    config.file = "/dev/null";
    CHECK(Plugin(config).hosts.reload_interval() == std::chrono::milliseconds(5000));
}

}  // namespace
}  // namespace server
