#include "k8s_client/gunzip.h"

#include <new>
#include <zlib.h>

namespace k8s_client {
namespace {

constexpr std::size_t kChunk = 32 * 1024;
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

Gunzip::Gunzip() : stream_(std::make_unique<z_stream>()), out_(kChunk) {
    if (inflateInit2(stream_.get(), kGzipOnly) != Z_OK) {
        throw std::bad_alloc();
    }
}

Gunzip::~Gunzip() {
    inflateEnd(stream_.get());
}

Gunzip::Outcome Gunzip::feed(std::string_view octets, HttpBody& body) {
    // zlib does not write to its input; its interface is older than const.
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
    stream_->avail_in = static_cast<uInt>(octets.size());
    bool is_full = false;
    while (stream_->avail_in > 0 || is_full) {
        if (is_complete_ && inflateReset(stream_.get()) != Z_OK) {
            return Outcome::Damaged;
        }
        stream_->next_out = reinterpret_cast<Bytef*>(out_.data());
        stream_->avail_out = static_cast<uInt>(out_.size());
        const int status = inflate(stream_.get(), Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            return Outcome::Damaged;
        }
        is_complete_ = status == Z_STREAM_END;
        is_full = stream_->avail_out == 0 && !is_complete_;
        const std::size_t size = out_.size() - stream_->avail_out;
        if (size > 0 && !body.chunk({out_.data(), size})) {
            return Outcome::GivenUp;
        }
    }
    return Outcome::Good;
}

}  // namespace k8s_client
