// Golden cases as text: options, objects, and queries with the replies they must get.
// Knows the format (README.md) and nothing of how a query is answered. Values.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/dns_judge.h"

namespace golden {

/// The line that is wrong, and why.
class CaseError : public std::runtime_error {
  public:
    CaseError(std::size_t line, const std::string& why)
        : std::runtime_error("line " + std::to_string(line) + ": " + why) {}
};

struct Expected {
    std::string outcome;                           // an rcode, NEXT-PLUGIN or NOT-OURS
    support::Texts flags;                          // but qr and rd, which every reply has
    support::Texts answer, authority, additional;  // as ldns prints them
    std::string next;  // where a chain leaves our zones; empty if it does not
};

struct CaseQuery {
    std::size_t line = 0;
    std::string qname;
    std::uint16_t qtype = 0;
    bool udp = false;
    std::optional<std::uint16_t> edns_size;
    Expected expected;
};

struct CaseOption {
    std::size_t line = 0;
    std::string name;
    std::vector<std::string> values;
};

struct CaseFile {
    std::vector<CaseOption> options;
    std::string objects;  // YAML or JSON
    std::vector<CaseQuery> queries;
};

/// Throws CaseError.
CaseFile read_case_file(std::istream& in);

}  // namespace golden
