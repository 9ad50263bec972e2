// A stream of framed messages, cut anywhere: what comes back must not depend on where.
// An input is the stream; before each piece of it stands an octet, the size of the piece.
#include <algorithm>
#include <netinet/tcp.h>

#include "tests/fuzz/world.h"
#include "tests/server/tcp_rig.h"
#include "tests/support/dns_judge.h"

namespace fuzz {
namespace {

using namespace server::testing;

struct Served {
    std::vector<Octets> replies;  // sorted
    bool closed = false;
};

std::vector<Octets> split(Input input) {
    std::vector<Octets> pieces;
    Pieces rest(input);
    while (!rest.at_end()) {
        const Input piece = rest.take(rest.u8());
        pieces.emplace_back(piece.begin(), piece.end());
    }
    return pieces;
}

/// What a connection that sends these pieces gets back. Sending nothing more is the end of it.
Served serve(TcpRig& rig, const std::vector<Octets>& pieces) {
    TcpClient client = rig.connected();
    const int at_once = 1;  // else the kernel would put the pieces together again
    setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    for (const Octets& piece : pieces) {
        client.send(piece);
        rig.run_once();
    }
    rig.run_dry();
    Served served;
    served.closed = client.closed();
    served.replies = client.messages();
    require(
        served.closed || client.received() ==
                             [&] {
                                 std::size_t octets = 0;
                                 for (const Octets& reply : served.replies) {
                                     octets += reply.size() + 2;
                                 }
                                 return octets;
                             }(),
        "a part of a message");
    // The upstream says nothing: when a forward fails depends on when it was first asked for.
    std::erase_if(served.replies, [](const Octets& reply) {
        return static_cast<zones::Rcode>(reply[3] & zones::header::kRcodeMask) ==
               zones::Rcode::ServFail;
    });
    std::sort(served.replies.begin(), served.replies.end());
    client.reset();
    rig.run_dry();
    return served;
}

}  // namespace

void run_tcp(Input input) {
    constexpr std::size_t kMost = 8192;
    constexpr int kInputsPerRig = 2000;
    static std::unique_ptr<TcpRig> rig;
    static int inputs = 0;
    if (!rig || ++inputs % kInputsPerRig == 0) {
        rig = std::make_unique<TcpRig>();
    }
    const auto pieces = split(input.first(std::min(input.size(), kMost)));
    Octets whole;
    for (const Octets& piece : pieces) {
        whole.insert(whole.end(), piece.begin(), piece.end());
    }
    const Served cut = serve(*rig, pieces);
    const Served uncut = serve(*rig, {whole});
    require(cut.closed == uncut.closed, "where it was cut decides whether the connection lives");
    // A connection that is closed with octets unread ends with RST, which may destroy replies.
    require(cut.closed || cut.replies == uncut.replies, "where it was cut decides on the replies");
    for (const Octets& reply : cut.replies) {
        const auto judged = support::judge(reply);
        require(judged.fault.empty(), judged.fault);
    }
    require(rig->tcp().open() == 0, "a connection that is gone is still there");
}

}  // namespace fuzz
