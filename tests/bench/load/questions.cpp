#include "tests/bench/load/questions.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string_view>
#include <utility>

namespace load {
namespace {

using Word = std::pair<std::string_view, unsigned>;

constexpr Word kTypes[] = {{"A", 1},   {"NS", 2},   {"CNAME", 5}, {"SOA", 6},    {"PTR", 12},
                           {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"HTTPS", 65}, {"SRV", 33}};
constexpr Word kRcodes[] = {{"NOERROR", 0}, {"SERVFAIL", 2}, {"NXDOMAIN", 3}, {"REFUSED", 5}};

[[noreturn]] void refuse(const std::string& what) {
    std::fprintf(stderr, "load: %s\n", what.c_str());
    std::exit(2);
}

unsigned number_of(std::span<const Word> words, const std::string& text) {
    for (const auto& [word, number] : words) {
        if (word == text) {
            return number;
        }
    }
    char* end = nullptr;
    const unsigned long number = std::strtoul(text.c_str(), &end, 10);
    if (text.empty() || *end != '\0' || number > 0xffff) {
        refuse("no such type or rcode: " + text);
    }
    return static_cast<unsigned>(number);
}

void append_name(std::vector<std::uint8_t>& out, const std::string& name) {
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        if (dot == at || dot - at > 63) {
            refuse("not a name: " + name);
        }
        out.push_back(static_cast<std::uint8_t>(dot - at));
        out.insert(out.end(), name.begin() + static_cast<std::ptrdiff_t>(at),
                   name.begin() + static_cast<std::ptrdiff_t>(dot));
        at = dot + 1;
    }
    out.push_back(0);
}

}  // namespace

Questions::Questions(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) {
            lines.push_back(line);
        }
    }
    if (lines.empty()) {
        refuse("no questions in " + path);
    }
    std::shuffle(lines.begin(), lines.end(), std::minstd_rand(1));
    std::for_each(lines.begin(), lines.end(), [this](const std::string& line) { add(line); });
    at_ = std::random_device()() % static_cast<std::uint32_t>(all_.size());
}

void Questions::add(const std::string& line) {
    std::istringstream words(line);
    std::string name, type, rcode = "NOERROR";
    Question question;
    words >> name >> type >> rcode >> question.answers;
    if (words.fail()) {
        question.answers = -1;  // the line does not say how many
    }
    question.text = name + " " + type;
    question.rcode = number_of(kRcodes, rcode);
    question.begin = octets_.size();
    const unsigned qtype = number_of(kTypes, type);
    octets_.insert(octets_.end(), {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    append_name(octets_, name);
    octets_.insert(octets_.end(),
                   {static_cast<std::uint8_t>(qtype >> 8), static_cast<std::uint8_t>(qtype), 0, 1});
    question.size = octets_.size() - question.begin;
    all_.push_back(std::move(question));
}

Octets Questions::query(std::uint32_t number) const {
    const Question& question = all_[number];
    return {octets_.data() + question.begin, question.size};
}

bool Questions::is_answered_by(std::uint32_t number, Octets reply) const {
    constexpr unsigned kQr = 0x80, kTc = 0x02;
    const Question& question = all_[number];
    return reply.size() >= 12 && (reply[2] & (kQr | kTc)) == kQr &&
           (reply[3] & 15U) == question.rcode &&
           (question.answers < 0 || (reply[6] << 8 | reply[7]) == question.answers);
}

}  // namespace load
