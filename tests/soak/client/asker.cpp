#include "tests/soak/client/asker.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/soak/client/records.h"

namespace soak {
namespace {

constexpr unsigned kQueriesOfConnection = 100;

int open(const Ends& ends, int kind) {
    const int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    const int one = 1, size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&ends.client), sizeof ends.client) != 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&ends.server), sizeof ends.server) != 0) {
        throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    return fd;
}

void name(Query& query, std::uint16_t id) {
    query.octets[0] = static_cast<std::uint8_t>(id >> 8);
    query.octets[1] = static_cast<std::uint8_t>(id);
}

template <typename All>
void give_up_all(All& waiting, std::int64_t sent_before, std::uint32_t flags) {
    for (auto it = waiting.begin(); it != waiting.end();) {
        if (it->second.sent < sent_before) {
            write_record({it->second.query.question, kLost | flags, 0, it->second.sent, now()});
            it = waiting.erase(it);
        } else {
            ++it;
        }
    }
}

std::uint16_t id_of(Octets message) {
    return static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

}  // namespace

UdpAsker::UdpAsker(const Ends& ends, HandOn truncated)
    : fd_(open(ends, SOCK_DGRAM)), truncated_(std::move(truncated)) {}

void UdpAsker::ask(Query query) {
    while (waiting_.contains(++id_)) {
    }
    name(query, id_);
    Waiting& waiting = waiting_[id_];
    waiting = {std::move(query), now()};
    (void)!::send(fd_, waiting.query.octets.data(), waiting.query.octets.size(), 0);
}

void UdpAsker::receive() {
    std::array<std::uint8_t, 65536> octets;
    for (ssize_t size; (size = recv(fd_, octets.data(), octets.size(), MSG_DONTWAIT)) >= 0;) {
        take(Octets(octets).first(static_cast<std::size_t>(size)));
    }
}

void UdpAsker::take(Octets octets) {
    const std::int64_t received = now();
    const auto found = octets.size() < 2 ? waiting_.end() : waiting_.find(id_of(octets));
    if (found == waiting_.end()) {  // a second reply, or one to nothing
        write_record({0, kUnasked, 0, received, received});
        return;
    }
    Waiting was = std::move(found->second);
    waiting_.erase(found);
    const auto reply = read_reply(was.query.octets, octets);
    const std::uint32_t flags = !reply ? kMalformed : reply->truncated ? kTruncated : 0U;
    write_record({was.query.question, flags, reply ? reply->digest : 0, was.sent, received});
    if (flags == kTruncated) {
        truncated_(std::move(was.query));
    }
}

void UdpAsker::give_up(std::int64_t sent_before) {
    give_up_all(waiting_, sent_before, 0);
}

void TcpAsker::connect() {
    fd_ = open(ends_, SOCK_STREAM);
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    asked_ = 0;
    read_.clear();
}

void TcpAsker::close() {
    if (fd_ >= 0) {
        ::close(fd_);  // which also takes it out of the epoll
        fd_ = -1;
    }
}

void TcpAsker::ask(Query query) {
    if (fd_ >= 0 && asked_ >= kQueriesOfConnection && waiting_.empty()) {
        close();
    }
    if (fd_ < 0) {
        connect();
    }
    ++asked_;
    name(query, ++id_);
    std::vector<std::uint8_t> message = query.octets;
    const auto size = static_cast<std::uint16_t>(message.size());
    message.insert(message.begin(),
                   {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
    const std::uint32_t question = query.question;
    const std::int64_t sent = now();
    waiting_[id_] = {std::move(query), sent};
    if (::send(fd_, message.data(), message.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(message.size())) {
        waiting_.erase(id_);
        write_record({question, kLost | kTcp, 0, sent, now()});
        lose_all();
    }
}

void TcpAsker::receive() {
    std::array<std::uint8_t, 65536> octets;
    const ssize_t size = recv(fd_, octets.data(), octets.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {  // closed: in order where nothing waits
        lose_all();
        return;
    }
    read_.insert(read_.end(), octets.begin(), octets.begin() + size);
    std::size_t at = 0;
    while (read_.size() - at >= 2) {
        const std::size_t length = static_cast<std::size_t>(read_[at] << 8 | read_[at + 1]);
        if (read_.size() - at - 2 < length) {
            break;
        }
        take(Octets(read_).subspan(at + 2, length));
        at += 2 + length;
    }
    read_.erase(read_.begin(), read_.begin() + static_cast<std::ptrdiff_t>(at));
}

void TcpAsker::take(Octets octets) {
    const std::int64_t received = now();
    const auto found = octets.size() < 2 ? waiting_.end() : waiting_.find(id_of(octets));
    if (found == waiting_.end()) {
        write_record({0, kUnasked | kTcp, 0, received, received});
        return;
    }
    const auto reply = read_reply(found->second.query.octets, octets);
    const std::uint32_t flags = kTcp | (!reply || reply->truncated ? kMalformed : 0U);
    write_record({found->second.query.question, flags, reply ? reply->digest : 0,
                  found->second.sent, received});
    waiting_.erase(found);
}

void TcpAsker::lose_all() {
    give_up_all(waiting_, INT64_MAX, kTcp);
    close();
}

void TcpAsker::give_up(std::int64_t sent_before) {
    give_up_all(waiting_, sent_before, kTcp);
}

}  // namespace soak
