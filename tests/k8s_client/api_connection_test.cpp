#include "k8s_client/api_connection.h"

#include <future>
#include <random>
#include <zlib.h>

#include <doctest/doctest.h>

#include "tests/k8s_client/api_requests.h"
#include "tests/support/scratch_folder.h"

using namespace k8s_client;
using namespace k8s_client::testing;

namespace {

constexpr const char* kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr const char* kLastChunk = "0\r\n\r\n";

std::string chunk(const std::string& text) {
    char size[32];
    (void)snprintf(size, sizeof size, "%zx\r\n", text.size());
    return size + text + "\r\n";
}

std::string gzip(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// Large enough that its gzip spans several reads of cpp-httplib.
std::string long_text() {
    std::string text;
    std::minstd_rand random(7);
    while (text.size() < 300'000) {
        text += std::to_string(random()) + ' ';
    }
    return text;
}

std::string gzip_reply(const std::string& octets) {
    return reply(octets, "200 OK", "Content-Encoding: gzip\r\n");
}

struct Got {
    std::string outcome;
    std::string text;
    std::vector<HttpHead> heads;
};

/// What comes of one request to a plain server that says `octets`.
Got ask(const std::string& octets, HttpRequest request = {"/api", "application/json"}) {
    const ScriptedServer server({}, say(octets));
    ApiConnection connection(plain_access(server), "test");
    RecordingBody body;
    const std::string result = outcome(connection, body, request);
    return {result, body.text, body.heads};
}

const bool kSigpipeIgnored = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;

}  // namespace

TEST_CASE("api connection: what is asked") {
    const ScriptedServer server({}, say(reply("{}")));
    ApiAccess access = plain_access(server);
    access.path = "/k8s/clusters/c-1";
    access.token.text = Secret("secret\n");
    ApiConnection connection(access, "Keryx/1");
    RecordingBody body;
    CHECK(outcome(connection, body, {"/api/v1/pods?labelSelector=a%3Db", "text/x"}) == "ok");
    REQUIRE(server.requests().size() == 1);
    const std::string head = server.requests().front();
    CHECK(head.starts_with("GET /k8s/clusters/c-1/api/v1/pods?labelSelector=a%3Db HTTP/1.1\r\n"));
    for (const std::string& line :
         {"Host: 127.0.0.1:" + std::to_string(server.port()), std::string("Accept: text/x"),
          std::string("Accept-Encoding: gzip"), std::string("User-Agent: Keryx/1"),
          std::string("Authorization: Bearer secret")}) {
        CAPTURE(head);
        CHECK(head.find("\r\n" + line + "\r\n") != std::string::npos);
    }
    CHECK(body.text == "{}");
    // Another request is another connection.
    CHECK(outcome(connection, body) == "ok");
    CHECK(server.requests().size() == 2);
}

TEST_CASE("api connection: the head comes first, whatever the status") {
    for (const char* status : {"200 OK", "401 Unauthorized", "403 Forbidden", "410 Gone",
                               "302 Found", "504 Gateway Timeout"}) {
        CAPTURE(status);
        const Got got = ask(reply("why", status, "Location: /elsewhere\r\n"));
        CHECK(got.outcome == "ok");
        REQUIRE(got.heads.size() == 1);
        CHECK(got.heads[0].status == std::stoi(status));
        CHECK_FALSE(got.heads[0].retry_after);
        CHECK(got.text == "why");
    }
    CHECK(ask(reply("", "429 Too Many Requests", "Retry-After: 7\r\n")).heads.at(0).retry_after ==
          std::chrono::seconds(7));
    for (const char* later : {"-1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999"}) {
        const Got got = ask(reply("", "429 X", std::string("Retry-After: ") + later + "\r\n"));
        CHECK_FALSE(got.heads.at(0).retry_after);
    }
}

TEST_CASE("api connection: a chunk is handed on before the next is sent") {
    std::promise<void> first_seen;
    const ScriptedServer server({}, [&](Peer& peer) {
        peer.send(kChunkedHead + chunk("one"));
        first_seen.get_future().wait();
        peer.send(chunk("two") + kLastChunk);
    });
    ApiConnection connection(plain_access(server), "test");
    RecordingBody body;
    body.on_chunk = [&] {
        if (body.text == "one") {
            first_seen.set_value();
        }
        return true;
    };
    CHECK(outcome(connection, body) == "ok");
    CHECK(body.text == "onetwo");
}

TEST_CASE("api connection: a response that ends early is broken") {
    const std::string cut[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        kChunkedHead,
        kChunkedHead + chunk("whole"),
        kChunkedHead + std::string("8\r\nhalf"),
    };
    for (const std::string& octets : cut) {
        CAPTURE(octets);
        CHECK(ask(octets).outcome.ends_with(" ended before the response did"));
        CHECK(ask(octets).outcome.starts_with(
            "Broken: the connection to the API server at 127.0.0.1:"));
    }
    CHECK(ask("SSH-2.0-OpenSSH_9.2\r\n\r\n").outcome.starts_with("Broken: "));
    const ScriptedServer half({}, [](Peer& peer) {
        peer.send(kChunkedHead + chunk("x"));
        peer.half_close();
        peer.wait_for_end();
    });
    CHECK(outcome_of(plain_access(half)).starts_with("Broken: "));
}

TEST_CASE("api connection: silence is broken, be it in head or body") {
    for (const std::string& octets : {std::string(), kChunkedHead + chunk("x")}) {
        const ScriptedServer server({}, [&](Peer& peer) {
            peer.send(octets);
            peer.wait_for_end();
        });
        ApiConnection connection(plain_access(server), "test");
        RecordingBody body;
        const HttpRequest request{"/", "x", std::chrono::milliseconds(1000)};
        CHECK(outcome(connection, body, request) ==
              "Silent: nothing came from the API server at 127.0.0.1:" +
                  std::to_string(server.port()) + " for 1 s");
        CHECK(body.text == (octets.empty() ? "" : "x"));
    }
}

TEST_CASE("api connection: gzip is taken apart") {
    const std::string text = long_text();
    const std::string packed = gzip(text);
    CHECK(ask(gzip_reply(packed)).text == text);
    CHECK(ask(gzip_reply(packed)).outcome == "ok");
    CHECK(ask(gzip_reply(gzip("one ") + gzip("two"))).text == "one two");
    CHECK(ask(gzip_reply("")).outcome == "ok");
    const std::string zeros(1 << 20, '\0');  // 1 KiB of input that gives many buffers of output
    CHECK(ask(gzip_reply(gzip(zeros))).text == zeros);
}

TEST_CASE("api connection: gzip that is cut or damaged is broken though HTTP ends well") {
    const std::string packed = gzip(long_text());
    for (const std::size_t size : {std::size_t{1}, packed.size() / 2, packed.size() - 1}) {
        CHECK(ask(gzip_reply(packed.substr(0, size))).outcome ==
              "Broken: the API server's response is gzip that ended early");
    }
    std::string bad = packed;
    bad[bad.size() - 6] ^= 1;  // in the CRC
    CHECK(ask(gzip_reply(bad)).outcome == "Broken: the API server's response is damaged gzip");
    CHECK(ask(gzip_reply("plain")).outcome == "Broken: the API server's response is damaged gzip");
    CHECK(ask(reply("x", "200 OK", "Content-Encoding: br\r\n")).outcome ==
          "Broken: the API server's response is in a coding that was not asked for "
          "(Content-Encoding)");
}

TEST_CASE("api connection: the receiver may give up") {
    const ScriptedServer server({}, [](Peer& peer) {
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" +
            chunk(gzip("some")));
        peer.wait_for_end();
    });
    for (const bool at_head : {true, false}) {
        ApiConnection connection(plain_access(server), "test");
        RecordingBody body;
        body.wants_body = !at_head;
        body.on_chunk = [] { return false; };
        CHECK(outcome(connection, body) == "GivenUp: the response was not wanted to its end");
        CHECK(body.text == (at_head ? "" : "some"));
    }
}

TEST_CASE("api connection: a token is read anew for each request") {
    const support::ScratchFolder folder;
    const ScriptedServer server({}, say(reply("")));
    ApiAccess access = plain_access(server);
    access.token.file = folder / "token";
    ApiConnection connection(access, "test");
    RecordingBody body;
    CHECK(outcome(connection, body) == "Credentials: cannot read the token " +
                                           access.token.file.string() +
                                           ": No such file or directory");
    for (const char* token : {"one\n", "two"}) {
        folder.write("token", token);
        CHECK(outcome(connection, body) == "ok");
    }
    REQUIRE(server.requests().size() == 2);
    CHECK(server.requests()[0].find("\r\nAuthorization: Bearer one\r\n") != std::string::npos);
    CHECK(server.requests()[1].find("\r\nAuthorization: Bearer two\r\n") != std::string::npos);
    folder.write("token", " \n");
    CHECK(outcome(connection, body) ==
          "Credentials: the token in " + access.token.file.string() + " is empty");
    folder.write("token", "secret\r\nX: y");
    const std::string refused = outcome(connection, body);
    CHECK(refused.starts_with("Credentials: the token in " + access.token.file.string() + " has"));
    CHECK(refused.find("secret") == std::string::npos);
    folder.write("token", std::string(2 << 20, 'x'));
    CHECK(outcome(connection, body).ends_with(": larger than the limit of 1 MiB"));
    CHECK(server.requests().size() == 2);
}
