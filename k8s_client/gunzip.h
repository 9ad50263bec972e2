// Decompresses a body in gzip as it arrives (RFC 1952), and knows whether it came to its end, which
// cpp-httplib's own does not tell.
// Knows no HTTP. One thread; the receiver is borrowed for the call.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "k8s_client/http_get.h"

struct z_stream_s;

namespace k8s_client {

class Gunzip {
  public:
    enum class Outcome { Good, GivenUp, Damaged };

    Gunzip();
    ~Gunzip();

    /// What `octets` gave goes to `body.chunk()` before this returns.
    Outcome feed(std::string_view octets, HttpBody& body);

    /// All that came was whole: no member of the file is unfinished.
    bool is_complete() const { return is_complete_; }

  private:
    std::unique_ptr<z_stream_s> stream_;
    std::vector<char> out_;
    bool is_complete_ = true;
};

}  // namespace k8s_client
