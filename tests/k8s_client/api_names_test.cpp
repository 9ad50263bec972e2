#include "k8s_client/api_names.h"

#include <string>

#include <doctest/doctest.h>

using namespace std::string_literals;
using k8s_client::IpFamily;

namespace {

const std::string k63(63, 'a');
const std::string k64(64, 'a');

}  // namespace

TEST_CASE("DNS labels") {
    for (const std::string& good : {"a"s, "0"s, "a-b"s, "a--b"s, "1a"s, k63}) {
        CAPTURE(good);
        CHECK(k8s_client::dns_label_fault(good).empty());
    }
    for (const std::string& bad : {""s, "-a"s, "a-"s, "A"s, "a.b"s, "a_b"s, "a b"s, "a\0b"s, k64}) {
        CAPTURE(bad);
        CHECK_FALSE(k8s_client::dns_label_fault(bad).empty());
    }
}

TEST_CASE("DNS subdomains") {
    const std::string k253 = std::string(251, 'a') + ".b";
    for (const std::string& good : {"a"s, "a.b"s, "kube-root-ca.crt"s, k64, k253}) {
        CAPTURE(good);
        CHECK(k8s_client::dns_subdomain_fault(good).empty());
    }
    for (const std::string& bad : {""s, "."s, "a."s, ".a"s, "a..b"s, "a.-b"s, "A.b"s, k253 + "b"}) {
        CAPTURE(bad);
        CHECK_FALSE(k8s_client::dns_subdomain_fault(bad).empty());
    }
}

TEST_CASE("external names") {
    const std::string k253 = k63 + "." + k63 + "." + k63 + "." + std::string(61, 'b');
    for (const std::string& good :
         {"a"s, "Www.Example.COM."s, "_x._tcp.a-"s, "192.0.2.1"s, k253, k253 + "."}) {
        CAPTURE(good);
        CHECK(k8s_client::external_name_fault(good).empty());
    }
    for (const std::string& bad : {""s, "."s, "a..b"s, ".a"s, "a.."s, k64 + ".b", "c" + k253,
                                   "a b"s, "a\\.b"s, "a:80"s, "\xc3\xa4.de"s}) {
        CAPTURE(bad);
        CHECK_FALSE(k8s_client::external_name_fault(bad).empty());
    }
}

TEST_CASE("port names") {
    for (const std::string& good : {""s, "http"s, "Http-2"s, "80"s, k63}) {
        CHECK(k8s_client::port_name_fault(good).empty());
    }
    for (const std::string& bad : {"a.b"s, "a_b"s, " "s, k64}) {
        CHECK_FALSE(k8s_client::port_name_fault(bad).empty());
    }
}

TEST_CASE("addresses") {
    CHECK(k8s_client::ip_family("10.0.0.1") == IpFamily::V4);
    CHECK(k8s_client::ip_family("fd00:10:244::") == IpFamily::V6);
    CHECK(k8s_client::ip_family("::ffff:10.0.0.1") == IpFamily::V6);
    for (const std::string& bad :
         {""s, "10.0.0"s, "10.0.0.256"s, "010.0.0.1"s, "10.0.0.1 "s, "10.0.0.1\0x"s,
          "fe80::1%eth0"s, "::1::"s, "None"s, "a"s, std::string(100, '1')}) {
        CAPTURE(bad);
        CHECK_FALSE(k8s_client::ip_family(bad));
    }
}
