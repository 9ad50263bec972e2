// What is said in reply to an HTTP request, as a value and as octets.
// Knows status lines and the fields of a reply; knows no sockets. Free of state: any thread.
#pragma once

#include <functional>
#include <string>

namespace server {

struct HttpReply {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

/// Makes the reply for one path. On the responder's thread: it must not wait for anything.
using HttpHandler = std::function<HttpReply()>;

/// A reply that says no more than its status.
HttpReply make_error(int status);

struct HttpReplyForm {
    bool body = true;  // false: to HEAD
    bool keep_alive = false;
};

/// The octets to be sent (RFC 9112 §4), with the time as it is now (RFC 9110 §6.6.1).
std::string write_reply(const HttpReply& reply, HttpReplyForm form);

}  // namespace server
