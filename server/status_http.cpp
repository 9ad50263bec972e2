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
    static const httplib::Headers kHeaders{
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
         "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cache-Control", "no-store"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        // Else cpp-httplib says `bytes` to HEAD; we pass over ranges (RFC 9110 §14.3).
        {"Accept-Ranges", "none"}};
    return kHeaders;
}

bool equal_caseless(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other, [](unsigned char a, unsigned char b) {
        return std::tolower(a) == std::tolower(b);
    });
}

/// Lines that end with CRLF and have no other control characters: cpp-httplib passes over what is
/// otherwise, where another reader would see a field (RFC 9112 §2.2).
bool has_plain_lines(std::string_view head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
        const char c = head[i];
        const bool at_end = c == '\r' && i + 1 < head.size() && head[i + 1] == '\n';
        if (at_end) {
            ++i;
        } else if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/// Escapes of a `Host` would be undone by cpp-httplib; the only one that an own host can have is
/// that before the zone of an IPv6 address (RFC 6874 §2).
bool has_escapes(std::string_view host) {
    const std::size_t zone = host.find("%25");
    if (zone != host.npos && host.substr(0, zone).find('[') != host.npos) {
        host.remove_prefix(zone + 1);
    }
    return host.find('%') != host.npos;
}

/// At most one `Host`, be it empty, which cpp-httplib would not count; and as it is meant.
bool has_plain_host(std::string_view head) {
    int hosts = 0;
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find('\n'));
        head.remove_prefix(std::min(line.size() + 1, head.size()));
        if (equal_caseless(line.substr(0, 5), "host:") && (++hosts > 1 || has_escapes(line))) {
            return false;
        }
    }
    return true;
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

bool is_literal_address(std::string_view host) {
    const bool may_have_zone = host.find(':') != host.npos;
    return parse_address(may_have_zone ? host.substr(0, host.find('%')) : host).has_value();
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
        const auto [first, last] = http.headers.equal_range("Sec-Fetch-Site");
        if (std::any_of(first, last, [](const auto& one) { return one.second == "cross-site"; })) {
            return status_error(403, "not for other sites");
        }
        return std::nullopt;
    }

    bool is_own(std::string_view asked) const {
        const std::lock_guard lock(mutex);
        return is_literal_address(asked) || equal_caseless(asked, "localhost") ||
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
    if (!has_plain_lines(head) || !has_plain_host(head)) {
        return refuse(400, fd, patience);
    }
    HeadStream stream(without_ranges(std::move(head)), fd, patience);
    return impl_->process(stream);
}

bool StatusHttp::refuse(int status, int fd, std::chrono::milliseconds patience) const {
    std::string text = "HTTP/1.1 " + std::to_string(status) +
                       (status == 400   ? " Bad Request"
                        : status == 408 ? " Request Timeout"
                                        : " Request Header Fields Too Large") +
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
