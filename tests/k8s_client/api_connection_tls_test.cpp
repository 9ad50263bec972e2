#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/k8s_client/api_requests.h"
#include "tests/k8s_client/openssl_handles.h"
#include "tests/support/scratch_folder.h"

using namespace k8s_client;
using namespace k8s_client::testing;

namespace {

const PemPair& authority() {
    static const PemPair pair = make_authority();
    return pair;
}

PemPair certificate_for(const std::vector<std::string>& names) {
    CertificateWish wish;
    wish.names = names;
    return make_certificate(wish, authority());
}

ApiAccess access_of(const ScriptedServer& server, const std::string& host = "127.0.0.1") {
    ApiAccess access = plain_access(server);
    access.tls = true;
    access.host = host;
    access.ca.text = Secret(authority().certificate);
    return access;
}

/// What comes of a request to a server with the certificate `own`.
std::string outcome_with(const PemPair& own, const std::string& server_name = "") {
    const ScriptedServer server({own, "", false}, say(reply("{}")));
    ApiAccess access = access_of(server);
    access.server_name = server_name;
    const std::string verified = outcome_of(access);
    access.ca = {};
    access.insecure = true;
    CHECK(outcome_of(access) == "ok");  // whatever is wrong with it
    return verified;
}

std::string encrypted(const std::string& key) {
    const Bio out = empty_memory();
    const Key pair(PEM_read_bio_PrivateKey(memory(key).get(), nullptr, nullptr, nullptr),
                   EVP_PKEY_free);
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(out.get(), pair.get(), EVP_aes_128_cbc(), "password", 8,
                                          nullptr, nullptr) == 1);
    return content(out);
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("tls: addresses and names of the certificate") {
    const PemPair own = certificate_for({"DNS:kubernetes", "DNS:localhost", "IP:127.0.0.1"});
    CHECK(outcome_with(own) == "ok");
    CHECK(outcome_with(own, "kubernetes") == "ok");
    CHECK(outcome_with(own, "kubernetes.") == "ok");
    CHECK(outcome_with(certificate_for({"DNS:*.example.org"}), "api.example.org") == "ok");
    const ScriptedServer v6({certificate_for({"IP:::1"}), "", false}, say(reply("{}")), "::1");
    CHECK(outcome_of(access_of(v6, "::1")) == "ok");
    CHECK(v6.requests().at(0).find("\r\nHost: [::1]:" + std::to_string(v6.port()) + "\r\n") !=
          std::string::npos);
}

TEST_CASE("tls: SNI is the name that is looked for, and never an address") {
    const ScriptedServer server(
        {certificate_for({"DNS:kubernetes", "DNS:localhost", "IP:127.0.0.1"}), "", false},
        say(reply("{}")));
    ApiAccess access = access_of(server);
    CHECK(outcome_of(access) == "ok");
    access.server_name = "kubernetes";
    CHECK(outcome_of(access) == "ok");
    CHECK(outcome_of(access_of(server, "localhost")) == "ok");
    CHECK(server.server_names() == std::vector<std::string>{"", "kubernetes", "localhost"});
}

TEST_CASE("tls: a certificate for somebody else") {
    CHECK(outcome_with(certificate_for({"DNS:kubernetes", "IP:10.0.0.1", "IP:fd00::1"})) ==
          "Tls: the API server's certificate is not for 127.0.0.1: it names kubernetes, 10.0.0.1, "
          "fd00::1; give an address that it names, or set tls-server-name in a "
          "kubeconfig");
    CHECK(has(outcome_with(certificate_for({"IP:127.0.0.1"}), "kubernetes"),
              "is not for kubernetes: it names 127.0.0.1;"));
    // An address as a DNS name, an IPv6 address that begins like ours, and a subject alone.
    CHECK(has(outcome_with(certificate_for({"DNS:127.0.0.1"})), "is not for 127.0.0.1"));
    CHECK(has(outcome_with(certificate_for({"IP:7f00:1::"})), "is not for 127.0.0.1"));
    CertificateWish subject;
    subject.common_name = "localhost";
    CHECK(has(outcome_with(make_certificate(subject, authority()), "localhost"),
              "is not for localhost: it names nothing (no subject alternative name)"));
}

TEST_CASE("tls: a certificate of another authority") {
    CertificateWish wish;
    wish.names = {"IP:127.0.0.1"};
    const std::string other = outcome_with(make_certificate(wish, make_authority("other")));
    CHECK(other ==
          "Tls: the API server's certificate is not signed by the CA in the kubeconfig: "
          "CN=kube-apiserver is issued by CN=other; give that CA, or check that this is the API "
          "server");
    for (const PemPair& own : {make_certificate(wish, make_authority()), make_certificate(wish)}) {
        CHECK(has(outcome_with(own), "is not signed by the CA in the kubeconfig"));
    }
    // Without a CA, the system's store knows nothing of ours.
    const ScriptedServer server({certificate_for({"IP:127.0.0.1"}), "", false}, say(reply("{}")));
    ApiAccess access = access_of(server);
    access.ca = {};
    CHECK(has(outcome_of(access), "is not signed by the CA in the system's store"));
}

TEST_CASE("tls: a certificate out of its time") {
    CertificateWish wish;
    wish.names = {"IP:127.0.0.1"};
    wish.starts_in = -7200;
    wish.ends_in = -3600;
    const std::string expired = outcome_with(make_certificate(wish, authority()));
    CHECK(expired.starts_with("Tls: the API server's certificate expired on 2"));
    CHECK(expired.ends_with(" UTC: renew it, or check the clocks of both"));
    wish.starts_in = 3600;
    wish.ends_in = 7200;
    const std::string early = outcome_with(make_certificate(wish, authority()));
    CHECK(early.starts_with("Tls: the API server's certificate is not valid before 2"));
    CHECK(early.ends_with(" UTC: check the clocks of both"));

    CertificateWish old;
    old.is_ca = true;
    old.common_name = "old";
    old.starts_in = -7200;
    old.ends_in = -3600;
    const PemPair ca = make_certificate(old);
    wish.starts_in = -3600;
    const ScriptedServer server({make_certificate(wish, ca), "", false}, say(reply("{}")));
    ApiAccess access = access_of(server);
    access.ca.text = Secret(ca.certificate);
    CHECK(outcome_of(access).starts_with(
        "Tls: the CA certificate CN=old behind the API server's expired on 2"));
}

TEST_CASE("tls: the CA is read anew for each request") {
    const support::ScratchFolder folder;
    const ScriptedServer server({certificate_for({"IP:127.0.0.1"}), "", false}, say(reply("{}")));
    ApiAccess access = access_of(server);
    access.ca = {{}, folder / "ca.crt"};
    ApiConnection connection(access, "test");
    RecordingBody body;
    const std::string other = make_authority("other").certificate;
    folder.write("ca.crt", other);
    CHECK(has(outcome(connection, body), "not signed by the CA in " + access.ca.file.string()));
    folder.write("ca.crt", "# both, while it rotates\n" + other + "\n" + authority().certificate);
    CHECK(outcome(connection, body) == "ok");
    folder.write("ca.crt", "");
    CHECK(outcome(connection, body) ==
          "Credentials: the CA in " + access.ca.file.string() + " is empty");
    folder.write("ca.crt", "nonsense");
    CHECK(has(outcome(connection, body), " holds no certificate in PEM"));
    folder.write("ca.crt", authority().certificate + other.substr(0, other.size() / 2));
    CHECK(has(outcome(connection, body), " is damaged: not a certificate in PEM"));
    std::filesystem::remove(access.ca.file);
    CHECK(outcome(connection, body) == "Credentials: cannot read the CA " +
                                           access.ca.file.string() + ": No such file or directory");
}

TEST_CASE("tls: client certificates, by chain, refused and missing") {
    const PemPair clients = make_authority("clients");
    CertificateWish middle_wish;
    middle_wish.is_ca = true;
    middle_wish.common_name = "between";
    const PemPair middle = make_certificate(middle_wish, clients);
    const PemPair own = make_certificate({}, middle);
    for (const bool tls12 : {false, true}) {
        CAPTURE(tls12);
        const ScriptedServer server({certificate_for({"IP:127.0.0.1"}), clients.certificate, tls12},
                                    say(reply("{}")));
        ApiAccess access = access_of(server);
        CHECK(outcome_of(access).starts_with("Tls: the API server "));
        CHECK(has(outcome_of(access), tls12 ? "ended the TLS connection: handshake failure"
                                            : "wants a client certificate ("));
        access.certificate.text = Secret(own.certificate + middle.certificate);
        access.key.text = Secret(own.key);
        CHECK(outcome_of(access) == "ok");
        const PemPair wrong = make_certificate({});
        access.certificate.text = Secret(wrong.certificate);
        access.key.text = Secret(wrong.key);
        CHECK(has(outcome_of(access),
                  "Tls: the API server refuses our client certificate in the kubeconfig (unknown "
                  "CA): give one"));
        CHECK(server.requests().size() == 1);
    }
}

TEST_CASE("tls: client certificates and keys that cannot be used") {
    const PemPair own = make_certificate({});
    const ScriptedServer server({certificate_for({"IP:127.0.0.1"}), "", false}, say(reply("{}")));
    const auto outcome_for = [&](const std::string& certificate, const std::string& key) {
        ApiAccess access = access_of(server);
        access.certificate.text = Secret(certificate);
        access.key.text = Secret(key);
        return outcome_of(access);
    };
    CHECK(outcome_for(own.certificate, own.key) == "ok");
    CHECK(outcome_for(own.certificate + own.key, own.certificate + own.key) == "ok");
    CHECK(outcome_for(own.certificate, make_certificate({}).key) ==
          "Credentials: the client key in the kubeconfig does not belong to the certificate in the "
          "kubeconfig");
    CHECK(outcome_for(own.certificate, "x") ==
          "Credentials: the client key in the kubeconfig is not a private key in PEM");
    CHECK(outcome_for(own.certificate, encrypted(own.key)) ==
          "Credentials: the client key in the kubeconfig is encrypted: give it without a password");
    CHECK(outcome_for(own.key, own.key) ==
          "Credentials: the client certificate in the kubeconfig holds no certificate in PEM");
    CHECK(outcome_for(own.certificate, "") ==
          "Credentials: the client key in the kubeconfig is empty");
}

TEST_CASE("tls: a peer that does not speak it, or not to its end") {
    const ScriptedServer plain({{}, "", false, false}, [](Peer& peer) {
        peer.send("HTTP/1.0 400 Bad Request\r\n\r\n");
        peer.wait_for_end();
    });
    CHECK(outcome_of(access_of(plain)) ==
          "Tls: 127.0.0.1:" + std::to_string(plain.port()) +
              " does not speak TLS: is it a port of plain HTTP, or another server's?");
    const ScriptedServer closing({{}, "", false, false}, [](Peer& peer) { peer.half_close(); });
    CHECK(outcome_of(access_of(closing)) ==
          "Connect: 127.0.0.1:" + std::to_string(closing.port()) +
              " closed the connection during the TLS handshake, or fell silent");
    const ScriptedServer encrypting({certificate_for({"IP:127.0.0.1"}), "", false}, say("x"));
    CHECK(outcome_of(plain_access(encrypting)).starts_with("Broken: "));
}

TEST_CASE("tls: a body that is cut is broken, though TCP ends well") {
    const ScriptedServer server({certificate_for({"IP:127.0.0.1"}), "", false},
                                say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    CHECK(outcome_of(access_of(server))
              .starts_with("Broken: the connection to the API server at 127.0.0.1:"));
}
