#include "k8s_client/credential_text.h"

#include <algorithm>
#include <utility>

#include "k8s_client/small_file.h"

namespace k8s_client {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string origin_of(const Credential& credential) {
    return credential.file.empty() ? "the kubeconfig" : credential.file.string();
}

tl::expected<Secret, std::string> credential_text(const Credential& credential,
                                                  std::string_view what) {
    Secret text = credential.text;
    if (!credential.file.empty()) {
        auto read = read_small_file(credential.file);
        if (!read) {
            return tl::unexpected("cannot read the " + std::string(what) + " " +
                                  credential.file.string() + ": " + read.error());
        }
        text = std::move(*read);
    }
    if (trimmed(text.reveal()).empty()) {
        return tl::unexpected("the " + std::string(what) + " in " + origin_of(credential) +
                              " is empty");
    }
    return text;
}

tl::expected<Secret, std::string> token_text(const Credential& token) {
    auto text = credential_text(token, "token");
    if (!text) {
        return text;
    }
    const std::string_view inner = trimmed(text->reveal());
    // A line end inside it would begin another header.
    if (!std::all_of(inner.begin(), inner.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
        return tl::unexpected("the token in " + origin_of(token) +
                              " has a character that no token has: one line of text is expected");
    }
    return Secret(inner);
}

}  // namespace k8s_client
