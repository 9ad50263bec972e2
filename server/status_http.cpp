#include "server/status_http.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

#include <httplib.h>

#include "server/config_values.h"

namespace server {
namespace {

using Clock = std::chrono::steady_clock;

/// For every reply. A page of ours loads and asks only from here, and nobody frames it.
const httplib::Headers& headers_for_all() {
    static const httplib::Headers headers{
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
         "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        {"Cross-Origin-Resource-Policy", "same-origin"}};
    return headers;
}

bool equal_caseless(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
    });
}

/// The head without its `Range` fields, which a server may pass over (RFC 9110 §14.2): nothing here
/// has parts, and cpp-httplib would read them with std::regex.
std::string without_ranges(std::string head) {
    for (std::size_t at = head.find('\n'); at != head.npos && at + 1 < head.size();) {
        const std::size_t end = std::min(head.find('\n', at + 1), head.size() - 1);
        if (equal_caseless(std::string_view(head).substr(at + 1, 6), "range:")) {
            head.erase(at + 1, end - at);
        } else {
            at = end;
        }
    }
    return head;
}

/// Reads from memory, writes to a socket, for so long from the first write on: a handler may take
/// its time before.
class HeadStream : public httplib::Stream {
  public:
    HeadStream(std::string head, int fd, std::chrono::milliseconds patience)
        : head_(std::move(head)), fd_(fd), patience_(patience) {}

    bool is_readable() const override { return read_ < head_.size(); }
    bool is_writable() const override { return wait_writable(); }
    ssize_t read(char* to, std::size_t size) override {
        size = head_.copy(to, size, read_);
        read_ += size;
        return static_cast<ssize_t>(size);
    }
    ssize_t write(const char* octets, std::size_t size) override {
        while (wait_writable()) {
            const ssize_t sent = ::send(fd_, octets, size, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0) {
                return sent;
            }
            if (errno != EAGAIN && errno != EINTR) {
                return -1;  // the peer has gone: nobody's fault
            }
        }
        late_ = true;
        return -1;
    }
    void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    /// It is only compared with what select(2) can take; nothing here uses that.
    socket_t socket() const override { return 0; }

    bool late() const { return late_; }

  private:
    bool wait_writable() const {
        end_ = end_ ? end_ : Clock::now() + patience_;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_ - Clock::now());
        pollfd polled{fd_, POLLOUT, 0};
        return left.count() > 0 && ::poll(&polled, 1, static_cast<int>(left.count())) == 1;
    }

    const std::string head_;
    const int fd_;
    const std::chrono::milliseconds patience_;
    mutable std::optional<Clock::time_point> end_;  // none: nothing is to be written yet
    std::size_t read_ = 0;
    bool late_ = false;
};

/// The host of `Host: HOST[:PORT]` (RFC 9112 §3.2), without brackets.
std::string_view host_of(std::string_view field) {
    if (field.starts_with('[')) {
        return field.substr(1, field.find(']') - 1);
    }
    return field.substr(0, field.find(':'));
}

bool is_address(std::string_view host) {
    return parse_address(host.substr(0, host.find('%'))).has_value();
}

StatusRequest request_of(const httplib::Request& http) {
    StatusRequest request;
    for (const auto& [name, value] : http.params) {
        request.parameters.emplace(name, value);
    }
    return request;
}

void say(const StatusReply& reply, httplib::Response& response) {
    response.status = reply.status;
    response.set_content(reply.body, reply.content_type.c_str());
}

}  // namespace

/// cpp-httplib's server without its sockets and threads: each read of theirs has a time-out, but no
/// request as a whole, and a peer that drips would have a thread for as long as it likes.
struct StatusHttp::Impl : httplib::Server {
    explicit Impl(StatusRoutes served) : routes(std::move(served)) {
        set_default_headers(headers_for_all());
        set_pre_routing_handler([this](const auto& request, auto& response) {
            say(reply_to(request), response);
            if (response.status == 405) {
                response.set_header("Allow", "GET, HEAD");
            }
            return HandlerResponse::Handled;
        });
    }

    StatusReply reply_to(const httplib::Request& http) const {
        if (auto refusal = refusal_of(http)) {
            return *std::move(refusal);
        }
        const auto route = routes.find(http.path);
        if (route == routes.end()) {
            return status_error(404, "nothing is there");
        }
        try {
            return route->second(request_of(http));
        } catch (const std::exception& error) {
            return status_error(500, error.what());
        }
    }

    std::optional<StatusReply> refusal_of(const httplib::Request& http) const {
        if (http.method != "GET" && http.method != "HEAD") {
            return status_error(405, "this is read-only: GET and HEAD");
        }
        if (http.get_header_value_count("Host") != 1) {
            return status_error(400, "one Host is needed");
        }
        // A name may be made to point here by a page of somebody else's, which could then read us
        // (DNS rebinding); an address can't.
        if (!is_own(host_of(http.get_header_value("Host")))) {
            return status_error(421, "ask by address, as localhost, or as the Corefile names it");
        }
        if (http.get_header_value("Sec-Fetch-Site") == "cross-site") {
            return status_error(403, "not for other sites");
        }
        return std::nullopt;
    }

    bool is_own(std::string_view asked) const {
        const std::lock_guard lock(mutex);
        return is_address(asked) || equal_caseless(asked, "localhost") ||
               (!host.empty() && equal_caseless(asked, host));
    }

    bool process(HeadStream& stream) {
        bool closed = true;
        process_request(stream, true, closed, nullptr);
        return !stream.late();
    }

    const StatusRoutes routes;
    mutable std::mutex mutex;  // guards the next
    std::string host;
};

StatusHttp::StatusHttp(StatusRoutes routes) : impl_(std::make_unique<Impl>(std::move(routes))) {}
StatusHttp::~StatusHttp() = default;

void StatusHttp::use_host(std::string host) {
    const std::lock_guard lock(impl_->mutex);
    impl_->host = std::move(host);
}

bool StatusHttp::answer(std::string head, int fd, std::chrono::milliseconds patience) const {
    HeadStream stream(without_ranges(std::move(head)), fd, patience);
    return impl_->process(stream);
}

bool StatusHttp::refuse(int status, int fd, std::chrono::milliseconds patience) const {
    std::string text = "HTTP/1.1 " + std::to_string(status) +
                       (status == 408 ? " Request Timeout" : " Request Header Fields Too Large") +
                       "\r\nConnection: close\r\nContent-Length: 0\r\n";
    for (const auto& [name, value] : headers_for_all()) {
        text += name;
        text += ": " + value + "\r\n";
    }
    text += "\r\n";
    HeadStream stream("", fd, patience);
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t size = stream.write(text.data() + sent, text.size() - sent);
        if (size < 0) {
            break;
        }
        sent += static_cast<std::size_t>(size);
    }
    return !stream.late();
}

}  // namespace server
