// One request of `status`, from its complete head to the reply: cpp-httplib reads and writes it.
// Knows what a browser is told, which requests are refused, and the routes; accepts no connection
// and reads none. Any thread, several at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/status_reply.h"

namespace server {

class StatusHttp {
  public:
    explicit StatusHttp(StatusRoutes routes);
    ~StatusHttp();
    StatusHttp(const StatusHttp&) = delete;
    StatusHttp& operator=(const StatusHttp&) = delete;

    /// A name besides IP addresses and localhost that it may be asked by; empty: none.
    void use_host(std::string host);

    /// Replies to `head` on `fd`, which is not to be used again. False if the reply was not read
    /// within `patience`.
    bool answer(std::string head, int fd, std::chrono::milliseconds patience) const;
    /// The same for a head that was not read to its end, or that is no head: why.
    bool refuse(int status, int fd, std::chrono::milliseconds patience) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace server
