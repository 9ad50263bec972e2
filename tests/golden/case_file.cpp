#include "tests/golden/case_file.h"

#include <algorithm>
#include <sstream>

#include "tests/support/cluster_answers.h"

namespace golden {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) {
        words.push_back(word);
    }
    return words;
}

class CaseReader {
  public:
    CaseFile read(std::istream& in) {
        for (std::string line; std::getline(in, line);) {
            ++line_;
            take(line);
        }
        return std::move(file_);
    }

  private:
    void take(const std::string& line) {
        if (line.starts_with('[')) {
            section_ = line;
            if (section_ != "[options]" && section_ != "[objects]" && section_ != "[queries]") {
                throw CaseError(line_, "no such section: " + line);
            }
            return;
        }
        if (section_ == "[objects]") {
            file_.objects += line + '\n';
            return;
        }
        const Words words = words_of(line);
        if (words.empty() || words.front().starts_with('#')) {
            return;
        }
        if (section_ == "[options]") {
            file_.options.push_back({line_, words.front(), Words(words.begin() + 1, words.end())});
        } else if (section_ == "[queries]") {
            take_query_line(line, words);
        } else {
            throw CaseError(line_, "text before the first section");
        }
    }

    void take_query_line(const std::string& line, const Words& words) {
        if (words.front() == "?") {
            start_query(words);
            return;
        }
        if (file_.queries.empty()) {
            throw CaseError(line_, "no query before this");
        }
        Expected& expected = file_.queries.back().expected;
        if (expected.outcome.empty()) {
            expected.outcome = words.front();
            expected.flags.assign(words.begin() + 1, words.end());
        } else if (words.front() == "next" && words.size() == 2) {
            expected.next = words[1];
        } else {
            section_of(expected, words.front()).push_back(record_of(line));
        }
    }

    void start_query(const Words& words) {
        if (words.size() < 3) {
            throw CaseError(line_, "a query is: ? NAME TYPE");
        }
        CaseQuery query;
        query.line = line_;
        query.qname = words[1];
        query.qtype = support::type_number(words[2]);
        if (query.qtype == 0) {
            throw CaseError(line_, "no such type: " + words[2]);
        }
        for (std::size_t i = 3; i < words.size(); ++i) {
            if (words[i] == "udp") {
                query.udp = true;
            } else if (words[i].starts_with("edns=")) {
                query.edns_size = static_cast<std::uint16_t>(std::stoul(words[i].substr(5)));
            } else {
                throw CaseError(line_, "no such word: " + words[i]);
            }
        }
        file_.queries.push_back(std::move(query));
    }

    support::Texts& section_of(Expected& expected, const std::string& name) const {
        if (name == "answer") {
            return expected.answer;
        }
        if (name == "authority") {
            return expected.authority;
        }
        if (name == "additional") {
            return expected.additional;
        }
        throw CaseError(line_, "no such section of a message: " + name);
    }

    std::string record_of(const std::string& line) const {
        const auto rest = line.find_first_not_of(" \t", line.find_first_of(" \t"));
        const std::string text = rest == std::string::npos ? "" : line.substr(rest);
        std::string record = support::canonical_record(text);
        if (record.empty()) {
            throw CaseError(line_, "not a record: " + text);
        }
        return record;
    }

    std::size_t line_ = 0;
    std::string section_;
    CaseFile file_;
};

}  // namespace

CaseFile read_case_file(std::istream& in) {
    CaseFile file = CaseReader().read(in);
    const auto unanswered =
        std::find_if(file.queries.begin(), file.queries.end(),
                     [](const CaseQuery& query) { return query.expected.outcome.empty(); });
    if (unanswered != file.queries.end()) {
        throw CaseError(unanswered->line, "a query without its reply");
    }
    return file;
}

}  // namespace golden
