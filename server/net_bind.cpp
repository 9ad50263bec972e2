#include "server/net_bind.h"

#include <cerrno>

#include "server/capabilities.h"

namespace server {
namespace {

/// Raises the capability while it lives, if the thread may have it and does not yet.
class RaisedNetBind {
  public:
    RaisedNetBind() noexcept {
        if (!before_.read()) {
            return;
        }
        constexpr unsigned kMask = CAP_TO_MASK(CAP_NET_BIND_SERVICE);
        Capabilities raised = before_;
        auto& set = raised.sets[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)];
        if ((set.permitted & kMask) != 0 && (set.effective & kMask) == 0) {
            set.effective |= kMask;
            raised_ = raised.write();
        }
    }
    ~RaisedNetBind() {
        if (raised_) {
            const int error = errno;
            (void)before_.write();  // giving up what one has is never refused
            errno = error;
        }
    }
    RaisedNetBind(const RaisedNetBind&) = delete;
    RaisedNetBind& operator=(const RaisedNetBind&) = delete;

    explicit operator bool() const { return raised_; }

  private:
    Capabilities before_;
    bool raised_ = false;
};

}  // namespace

int bind_any_port(int fd, const sockaddr* address, socklen_t size) noexcept {
    // The kernel knows which ports need it (net.ipv4.ip_unprivileged_port_start): ask it first.
    if (bind(fd, address, size) == 0) {
        return 0;
    }
    if (errno != EACCES) {
        return -1;
    }
    const RaisedNetBind raised;
    if (!raised) {
        errno = EACCES;
        return -1;
    }
    return bind(fd, address, size);
}

}  // namespace server
