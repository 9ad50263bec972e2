#include "tests/resolver/forward_fixture.h"

#include <algorithm>
#include <utility>

namespace support {

Octets wire_name(std::string_view dotted) {
    Octets wire;
    while (!dotted.empty()) {
        const auto label = dotted.substr(0, dotted.find('.'));
        wire.push_back(static_cast<std::uint8_t>(label.size()));
        wire.insert(wire.end(), label.begin(), label.end());
        dotted.remove_prefix(std::min(label.size() + 1, dotted.size()));
    }
    wire.push_back(0);
    return wire;
}

resolver::ForwardOptions options_for(const std::vector<const FakeUpstream*>& upstreams) {
    resolver::ForwardOptions options;
    for (const auto* upstream : upstreams)
        options.upstreams.push_back({upstream->address(), upstream->port()});
    options.policy = resolver::Policy::Sequential;
    options.read_timeout = std::chrono::milliseconds(200);
    return options;
}

resolver::Forwarder::Completion record(AnswerPtr answer) {
    return [answer = std::move(answer)](const auto& result) {
        ++answer->calls;
        if (result)
            answer->take(*result);
        else
            answer->take(result.error());
    };
}

AnswerPtr ask(resolver::Forwarder& forwarder, std::string_view name, resolver::Question question) {
    auto answer = std::make_shared<Answer>();
    const auto qname = wire_name(name);
    question.qname = qname;
    forwarder.ask(question, record(answer));
    return answer;
}

Answer ask_and_wait(resolver::Forwarder& forwarder, PollReactor& reactor, std::string_view name,
                    resolver::Question question) {
    const auto answer = ask(forwarder, name, question);
    reactor.run_until(forwarder, [&] { return answer->calls > 0; });
    return *answer;
}

std::size_t questions(const FakeUpstream& upstream) {
    return upstream.received().size() - probes(upstream);
}

std::size_t probes(const FakeUpstream& upstream) {
    return static_cast<std::size_t>(std::ranges::count_if(
        upstream.received(), [](const Received& query) { return !has_opt(query.message); }));
}

void answer_all(FakeUpstream& upstream, const Received& query) {
    upstream.send(query, make_reply(query.message));
}

void stay_silent(FakeUpstream&, const Received&) {}

}  // namespace support
