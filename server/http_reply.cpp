#include "server/http_reply.h"

#include <array>
#include <ctime>
#include <string_view>

namespace server {
namespace {

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 400:
            return "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 414:
            return "URI Too Long";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "";
    }
}

std::string date_now() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::array<char, 40> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text.data(), size};
}

}  // namespace

HttpReply make_error(int status) {
    return {.status = status, .body = std::string(reason_of(status)) + "\n"};
}

std::string write_reply(const HttpReply& reply, HttpReplyForm form) {
    std::string out = "HTTP/1.1 " + std::to_string(reply.status) + ' ';
    out += reason_of(reply.status);
    out += "\r\nDate: " + date_now() + "\r\nContent-Type: " + reply.content_type +
           "\r\nContent-Length: " + std::to_string(reply.body.size());
    if (reply.status == 405) {
        out += "\r\nAllow: GET, HEAD";
    }
    // Spoken of in either case: clients of HTTP/1.0 need to be told that it stays open.
    out += form.keep_alive ? "\r\nConnection: keep-alive" : "\r\nConnection: close";
    out += "\r\n\r\n";
    if (form.body) {
        out += reply.body;
    }
    return out;
}

}  // namespace server
