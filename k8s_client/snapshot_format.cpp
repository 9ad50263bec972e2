#include "k8s_client/snapshot_format.h"

#include <array>
#include <ctime>

#include "k8s_client/snapshot_file.h"

namespace k8s_client {
namespace {

constexpr const char* kTimeFormat = "%Y-%m-%dT%H:%M:%SZ";  // RFC 3339, UTC
constexpr std::size_t kOctetDigits = 20;

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    ok_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
}

void Sha256::add(std::string_view octets) {
    ok_ = ok_ && EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1;
}

std::string Sha256::digest() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
    unsigned size = 0;
    if (!ok_ || EVP_DigestFinal_ex(context_.get(), octets.data(), &size) != 1) {
        return {};
    }
    constexpr std::string_view kHexDigits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += kHexDigits[octets[i] >> 4U];
        text += kHexDigits[octets[i] & 0xfU];
    }
    return text;
}

std::string snapshot_header(std::uint64_t octets, std::string_view sha256) {
    const std::string count = std::to_string(octets);
    std::string line(kSnapshotMagic);
    line += kSnapshotVersion;
    line += " octets=" + std::string(kOctetDigits - count.size(), '0') + count + " sha256=";
    line += sha256;
    return line + '\n';
}

std::string to_string(std::chrono::sys_seconds time) {
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    std::array<char, 64> text{};
    const std::size_t size =
        gmtime_r(&seconds, &parts) ? strftime(text.data(), text.size(), kTimeFormat, &parts) : 0;
    return {text.data(), size};
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
    std::tm parts{};
    const std::string terminated(text);
    const char* end = strptime(terminated.c_str(), kTimeFormat, &parts);
    if (end == nullptr) {
        return std::nullopt;
    }
    const std::chrono::sys_seconds time{std::chrono::seconds(timegm(&parts))};
    return to_string(time) == text ? std::optional(time) : std::nullopt;
}

}  // namespace k8s_client
