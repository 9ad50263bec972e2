#include "server/passed_sockets.h"

namespace server {

std::vector<PassedSocket> passed_sockets(const Workers& workers,
                                         std::initializer_list<const HttpListeners*> http) {
    std::vector<PassedSocket> passed;
    for (const Workers::Open& open : workers.sockets()) {
        passed.push_back({PassedSocket::Kind::Udp, open.listen, open.udp});
        passed.push_back({PassedSocket::Kind::Tcp, open.listen, open.tcp});
    }
    for (const HttpListeners* listeners : http) {
        for (const HttpListener& listener : *listeners) {
            passed.push_back({PassedSocket::Kind::Http, listener.asked, listener.fd->get()});
        }
    }
    return passed;
}

}  // namespace server
