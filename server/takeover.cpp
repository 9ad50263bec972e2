#include "server/takeover.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>

#include "k8s_client/error_text.h"

namespace server {
namespace {

constexpr int kPatienceMs = 5000;
constexpr std::size_t kMaxPassedText = 256;
constexpr std::string_view kEndMessage = "end";
constexpr std::string_view kServingMessage = "serving";
constexpr std::array<std::string_view, 3> kKinds = {"udp", "tcp", "http"};

[[noreturn]] void refuse_takeover(const std::filesystem::path& path, const std::string& why) {
    throw ConfigError("-takeover " + path.string() + ": " + why);
}

sockaddr_un unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path) {
        refuse_takeover(path, "the path is longer than a unix socket's may be");
    }
    std::memcpy(address.sun_path, path.c_str(), path.string().size());
    return address;
}

// Whole messages, so that each descriptor arrives with its text.
Fd make_channel(int flags) {
    return Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
}

/// `fd` may be -1: the text alone.
bool send_message(int channel, std::string_view text, int fd) {
    iovec io{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t sent = 0;
    do {
        sent = sendmsg(channel, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(text.size());
}

struct Message {
    std::string text;  // empty: the other side has gone, or sends what we don't expect
    Fd fd;
};

Message receive_message(int channel) {
    Message received;
    std::array<char, kMaxPassedText> text{};
    iovec io{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c), sizeof fd);
            received.fd = Fd(fd);
        }
    }
    if (size > 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
        received.text.assign(text.data(), static_cast<std::size_t>(size));
    }
    return received;
}

bool is_readable(int fd, int wait_ms) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, wait_ms) == 1;
}

/// "udp 53 192.0.2.1"; the address is last, and empty for a wildcard of HTTP.
std::string passed_text(const PassedSocket& socket) {
    return std::string(kKinds[static_cast<std::size_t>(socket.kind)]) + " " +
           std::to_string(socket.listen.port) + " " + socket.listen.address;
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::find(const std::filesystem::path& path) {
    const sockaddr_un address = unix_address(path);
    Fd channel = make_channel(0);
    if (!channel) {
        refuse_takeover(path, k8s_client::error_text(errno));
    }
    if (connect(channel.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            return nullptr;
        }
        refuse_takeover(path, k8s_client::error_text(errno));
    }
    std::unique_ptr<Predecessor> found(new Predecessor(std::move(channel)));
    try {
        found->receive_all();
    } catch (const ConfigError& error) {
        refuse_takeover(path, error.what());
    }
    return found;
}

void Predecessor::receive_all() {
    for (;;) {
        if (!is_readable(channel_.get(), kPatienceMs)) {
            throw ConfigError("the running process does not answer");
        }
        Message message = receive_message(channel_.get());
        if (message.text == kEndMessage) {
            break;
        }
        if (message.text.empty() || !message.fd) {
            throw ConfigError(
                "the running process does not hand its sockets over (is it another "
                "user's?)");
        }
        add(message.text, std::move(message.fd));
    }
    std::erase_if(sockets_, [](const ListenSockets& s) { return !s.udp || !s.tcp; });
}

void Predecessor::add(const std::string& text, Fd fd) {
    const std::size_t first = text.find(' ');
    const std::size_t second = text.find(' ', first + 1);
    const auto kind = std::ranges::find(kKinds, text.substr(0, first));
    std::uint16_t port = 0;
    if (kind == kKinds.end() || second == text.npos ||
        std::from_chars(&text[first + 1], &text[second], port).ptr != &text[second]) {
        throw ConfigError("the running process speaks of an unknown socket: " + text);
    }
    const Listen listen{text.substr(second + 1), port};
    if (*kind == "http") {
        http_.emplace_back(listen, std::move(fd));
    } else if (*kind == "udp") {
        sockets_.push_back({listen, std::move(fd), Fd()});
    } else {
        const auto half = std::ranges::find_if(
            sockets_, [&](const ListenSockets& s) { return s.listen == listen && !s.tcp; });
        if (half != sockets_.end()) {
            half->tcp = std::move(fd);
        }
    }
}

std::vector<Listen> Predecessor::listens() const {
    std::vector<Listen> listens;
    for (const ListenSockets& sockets : sockets_) {
        listens.push_back(sockets.listen);
    }
    return listens;
}

void Predecessor::we_serve() const {
    (void)send_message(channel_.get(), kServingMessage, -1);
}

HandOver::HandOver(const std::filesystem::path& path) : listener_(make_channel(SOCK_NONBLOCK)) {
    // Bound under another name and moved: whoever connects finds the old one or the new one.
    const std::filesystem::path fresh = path.string() + ".new";
    const sockaddr_un address = unix_address(fresh);
    std::error_code ignored;
    std::filesystem::remove(fresh, ignored);
    const mode_t mask = umask(0177);  // the socket is its owner's alone
    const bool bound =
        listener_ &&
        bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    umask(mask);
    if (!bound || ::listen(listener_.get(), 1) != 0 ||
        std::rename(fresh.c_str(), path.c_str()) != 0) {
        refuse_takeover(path, k8s_client::error_text(errno));
    }
}

bool HandOver::poll(const std::vector<PassedSocket>& sockets) {
    if (!successor_) {
        if (!accept_one()) {
            return false;
        }
        if (!send_all(sockets)) {
            successor_ = Fd();
            return false;
        }
    }
    if (!is_readable(successor_.get(), 0)) {
        return false;
    }
    const bool serves = receive_message(successor_.get()).text == kServingMessage;
    successor_ = Fd();
    return serves;
}

bool HandOver::accept_one() {
    Fd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) {
        return false;
    }
    ucred who{};
    socklen_t size = sizeof who;
    if (getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
        (who.uid != geteuid() && who.uid != 0)) {
        return false;
    }
    const timeval most{kPatienceMs / 1000, 0};
    setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    successor_ = std::move(peer);
    return true;
}

bool HandOver::send_all(const std::vector<PassedSocket>& sockets) const {
    return std::ranges::all_of(sockets,
                               [this](const PassedSocket& socket) {
                                   return send_message(successor_.get(), passed_text(socket),
                                                       socket.fd);
                               }) &&
           send_message(successor_.get(), kEndMessage, -1);
}

}  // namespace server
