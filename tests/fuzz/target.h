// What a fuzzer runs: functions of octets, each with a name, a corpus and an oracle of its own.
// Knows neither libFuzzer nor doctest: libfuzzer.cpp mutates, corpus_test.cpp replays. A target may
// keep state between inputs, as the process would; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fuzz {

using Input = std::span<const std::uint8_t>;

struct Target {
    std::string_view name;  // also of its folder under corpus/
    void (*run)(Input input);
};

std::span<const Target> targets();

// One source file each.
void run_query(Input input);
void run_reply(Input input);
void run_tcp(Input input);
void run_list(Input input);
void run_watch(Input input);
void run_yaml(Input input);
void run_corefile(Input input);
void run_kubeconfig(Input input);
void run_hosts(Input input);
void run_template(Input input);
void run_snapshot(Input input);
void run_http(Input input);
void run_status(Input input);
void run_text(Input input);
void run_details(Input input);

/// Ends the process with `why` if `holds` is false: the oracle has spoken. Not doctest's CHECK,
/// since libFuzzer wants a crash.
void require(bool holds, std::string_view why);

/// Reads numbers and pieces from the front of an input; zeros and nothing once it has ended.
class Pieces {
  public:
    explicit Pieces(Input input) : rest_(input) {}

    bool at_end() const { return rest_.empty(); }
    std::uint8_t u8();
    std::uint16_t u16();
    /// At most `size` octets.
    Input take(std::size_t size);
    Input rest() { return take(rest_.size()); }
    /// Up to `end`, which is taken and left out.
    std::string_view until(char end);

  private:
    Input rest_;
};

inline std::string_view text_of(Input input) {
    return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// `text` as a file in memory, for what reads files; the path is good as long as this lives.
class MemoryFile {
  public:
    explicit MemoryFile(std::string_view text);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    const std::string& path() const { return path_; }

  private:
    int fd_;
    std::string path_;
};

}  // namespace fuzz
