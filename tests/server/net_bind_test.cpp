#include "server/net_bind.h"

#include <cerrno>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "server/sockets.h"

using server::bind_any_port;
using server::Fd;

namespace {

constexpr unsigned kNetBindCapability = CAP_TO_MASK(CAP_NET_BIND_SERVICE);

/// The capabilities below 32 of the calling thread; the others are none.
struct Sets {
    unsigned effective = 0;
    unsigned permitted = 0;
    bool operator==(const Sets&) const = default;
};

bool set_capabilities(const Sets& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct both[_LINUX_CAPABILITY_U32S_3]{{sets.effective, sets.permitted, 0},
                                                                {}};
    return syscall(SYS_capset, &header, both) == 0;
}

Sets capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct both[_LINUX_CAPABILITY_U32S_3]{};
    return syscall(SYS_capget, &header, both) == 0 ? Sets{both[0].effective, both[0].permitted}
                                                   : Sets{};
}

/// The errno of binding 0.0.0.0:port with `how`, 0 if it was bound.
template <typename Bind>
int bound(Bind how, std::uint16_t port) {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    return how(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0
                                                                                           : errno;
}

/// Runs `body` on a thread with these capabilities in a network namespace of its own, whose ports
/// are all free; false if this process may make none.
template <typename Body>
bool alone_with(const Sets& sets, Body body) {
    bool made = false;
    std::thread([&] {
        made = unshare(CLONE_NEWNET) == 0 && set_capabilities(sets);
        if (made) {
            body();
        }
    }).join();
    if (!made) {
        MESSAGE("skipped: no right to make a network namespace");
    }
    return made;
}

}  // namespace

TEST_CASE("a capability that is permitted only is raised for the bind alone") {
    const Sets permitted{.effective = 0, .permitted = kNetBindCapability};
    int plain = 0, any = 0, plain_after = 0;
    Sets after;
    if (!alone_with(permitted, [&] {
            plain = bound(bind, 53);
            any = bound(bind_any_port, 53);
            after = capabilities();
            plain_after = bound(bind, 53);
        })) {
        return;
    }
    CHECK(plain == EACCES);  // else the case shows nothing
    CHECK(any == 0);
    CHECK(after == permitted);
    CHECK(plain_after == EACCES);
}

TEST_CASE("without the capability a low port stays refused, and a high one is not") {
    int low = 0, high = -1;
    if (!alone_with({}, [&] {
            low = bound(bind_any_port, 53);
            high = bound(bind_any_port, 1053);
        })) {
        return;
    }
    CHECK(low == EACCES);
    CHECK(high == 0);
}

TEST_CASE("a capability that is effective already stays so") {
    const Sets effective{.effective = kNetBindCapability, .permitted = kNetBindCapability};
    int any = -1;
    Sets after;
    if (!alone_with(effective, [&] {
            any = bound(bind_any_port, 53);
            after = capabilities();
        })) {
        return;
    }
    CHECK(any == 0);
    CHECK(after == effective);
}

TEST_CASE("other refusals are passed on") {
    CHECK(bound([](int, const sockaddr* a, socklen_t n) { return bind_any_port(-1, a, n); }, 53) ==
          EBADF);
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1, of no interface
    CHECK(bind_any_port(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          -1);
    CHECK(errno == EADDRNOTAVAIL);
}
