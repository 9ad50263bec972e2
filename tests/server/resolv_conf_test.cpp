#include "server/resolv_conf.h"

#include <doctest/doctest.h>

namespace server {
namespace {

TEST_CASE("the name servers of a resolv.conf") {
    CHECK(parse_nameservers("# made by hand\n"
                            "search example.org\n"
                            "nameserver 192.0.2.1\n"
                            "  nameserver\t2001:DB8::1  # the second\n"
                            "nameserver fe80::1%eth0\n"
                            "#nameserver 192.0.2.9\n"
                            ";nameserver 192.0.2.9\n"
                            "nameserver\n"
                            "nameserver resolver.example.org\n"
                            "nameservers 192.0.2.9\n"
                            "options ndots:5\r\n"
                            "nameserver 192.0.2.2\r\n") ==
          std::vector<std::string>{"192.0.2.1", "2001:db8::1", "fe80::1", "192.0.2.2"});
    CHECK(parse_nameservers("").empty());
}

}  // namespace
}  // namespace server
