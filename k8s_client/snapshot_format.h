// The first line of a snapshot file, its checksum and its times: what writing and reading share.
// Private to snapshot_file.h's two halves. Values; one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/evp.h>

namespace k8s_client {

inline constexpr std::string_view kSnapshotMagic = "keryx-snapshot ";
inline constexpr std::string_view kSnapshotVersion = "1";
inline constexpr std::string_view kWrittenField = "written=";
inline constexpr std::string_view kFiltersField = "filters=";
inline constexpr std::size_t kSnapshotBuffer = std::size_t{64} << 10;

/// SHA-256 of what it is given.
class Sha256 {
  public:
    Sha256();
    void add(std::string_view octets);
    /// 64 lower-case digits, once; empty if OpenSSL has no SHA-256 to give.
    std::string digest();

  private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
    bool ok_ = false;
};

/// The first line with its end; always of the same length.
std::string snapshot_header(std::uint64_t octets, std::string_view sha256);

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);

}  // namespace k8s_client
