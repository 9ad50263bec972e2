#include "server/config_options.h"
#include "server/config_plugins.h"

// The plugins that shape replies: bufsize, ede, header, nsid.

namespace server {
namespace {

constexpr std::int64_t kLeastSize = 512, kMostSize = 4096;  // coredns/plugin/bufsize
constexpr std::size_t kMaxServerId = 256;  // so that there is room for an answer beside it

struct Flag {
    std::size_t octet;  // 0 is the header's octet 2
    std::uint8_t bit;
};
constexpr std::string_view kFlagNames[] = {"aa", "ra", "rd"};
constexpr Flag kFlags[] = {
    {0, zones::header::kAa}, {1, zones::header::kRa}, {0, zones::header::kRd}};

/// `set|clear FLAGS...`, with the words from `first` on.
void read_flags(const Directive& line, const std::vector<std::string>& words, HeaderBits& bits) {
    static constexpr std::string_view kActions[] = {"set", "clear"};
    if (words.size() < 2) {
        static constexpr std::string_view kForms[] = {"[query|response] set|clear FLAGS..."};
        fail(line.at, "header needs an action and flags", text_of(line), kForms);
    }
    const bool value = read_word(line, zones::to_lower(words[0]), kActions) == 0;
    for (auto word = words.begin() + 1; word != words.end(); ++word) {
        const Flag flag = kFlags[read_word(line, zones::to_lower(*word), kFlagNames)];
        bits.put(flag.octet, flag.bit, value);
    }
}

}  // namespace

std::size_t read_bufsize(const Directive& directive) {
    expect_no_block(directive);
    expect_arguments(directive, 0, 1);
    return directive.args.empty() ? zones::kUdpSize
                                  : static_cast<std::size_t>(read_integer(
                                        directive, directive.args[0], kLeastSize, kMostSize));
}

bool read_ede(const Directive& directive) {
    static constexpr std::string_view kWords[] = {"on", "off"};
    expect_no_block(directive);
    expect_arguments(directive, 1, 1);
    return read_word(directive, directive.args[0], kWords) == 0;
}

void read_header(const Directive& directive, ReplyShape& shape) {
    static constexpr std::string_view kSelectors[] = {"query", "response", "set", "clear"};
    expect_arguments(directive, 0, 0);
    if (directive.block.empty()) {
        fail(directive.at, "header needs a block of rules", directive.name);
    }
    for (const Directive& line : directive.block) {
        expect_no_block(line);
        std::vector<std::string> words = line.args;
        const std::size_t selector = read_word(line, zones::to_lower(line.name), kSelectors);
        if (selector >= 2) {  // without a selector it is for responses
            words.insert(words.begin(), line.name);
        }
        read_flags(line, words, selector == 0 ? shape.query : shape.response);
    }
}

std::string read_nsid(const Directive& directive) {
    expect_no_block(directive);
    std::string id;
    for (const std::string& arg : directive.args) {
        id += (id.empty() ? "" : " ") + arg;
    }
    if (id.size() > kMaxServerId) {
        fail(directive.at, "nsid may have at most 256 octets", id);
    }
    return id.empty() ? host_name() : id;
}

}  // namespace server
