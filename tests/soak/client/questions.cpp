#include "tests/soak/client/questions.h"

#include <cctype>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace soak {

Questions::Questions(const std::string& path, std::uint64_t seed)
    : random_(seed), label_("p" + std::to_string(getpid()) + "-") {
    std::ifstream file(path);
    for (Question one; file >> one.name >> one.type;) {
        all_.push_back(one);
    }
    if (all_.empty()) {
        throw std::runtime_error("no questions in " + path);
    }
}

Query Questions::draw() {
    Query query;
    query.question = static_cast<std::uint32_t>(random_() % all_.size());
    const Question& question = all_[query.question];
    std::string name = question.name;
    if (const auto star = name.find('*'); star != std::string::npos) {
        name.replace(star, 1, label_ + std::to_string(++fresh_));
    }
    const bool edns = random_() % 4 != 0;
    auto& out = query.octets;
    out = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(edns)};
    std::uint64_t cases = random_() % 2 == 0 ? 0 : random_();
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t dot = std::min(name.find('.', at), name.size());
        out.push_back(static_cast<std::uint8_t>(dot - at));
        for (; at < dot; ++at, cases = cases >> 1 | cases << 63) {
            const auto c = static_cast<unsigned char>(name[at]);
            out.push_back(static_cast<std::uint8_t>((cases & 1) != 0 ? std::toupper(c) : c));
        }
        ++at;
    }
    const auto type = static_cast<std::uint8_t>(question.type);
    out.insert(out.end(), {0, 0, type, 0, 1});
    if (edns) {
        out.insert(out.end(), {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0});
    }
    return query;
}

}  // namespace soak
