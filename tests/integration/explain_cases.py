"""Cases of the suite `explain` that need upstreams with a mind of their own, or several at once; each with its exact text."""
import json
import re
import threading

import wire
from explain_world import CURE, Kubia, findings, get, silent_of_httpbin, unready
from harness import check, equal, free_port, until
from keryx import Keryx, run_to_end
from upstream import Upstream, reply

BUSY = "other explanations are being made: ask again"


def answering(rcode, records=b"", additional=0):
    return lambda query, tcp: reply(query, records, rcode=rcode, additional=additional)


def upstream_answers(t):
    """NXDOMAIN, REFUSED and SERVFAIL of an upstream that is named."""
    name = "www.example.org."
    bogus = wire.opt(options=wire.option(15, b"\0\6signature expired"))
    for answer, code, cause, cure in [
            (answering(wire.NXDOMAIN), "upstream-nxdomain", "The upstream {at} says that {name} does not exist: forward . to {at}.",
             "Correct the name, or ask those who have its zone."),
            (answering(wire.REFUSED), "refused", "The upstream {at} refuses the question for {name}: forward . to {at}.",
             "Ask it yourself from where the server runs, and those who run it: dig @127.0.0.1 -p {port} {name}"),
            (answering(wire.SERVFAIL), "upstream-failed", "The upstream {at} answered SERVFAIL for {name}: forward . to {at}.",
             "Ask an upstream itself from where the server runs: dig @127.0.0.1 -p {port} {name}"),
            (answering(wire.SERVFAIL, bogus, 1), "upstream-failed", "The upstream {at} answered SERVFAIL for {name}: forward . to {at} "
             '(it says "signature expired").',
             "Ask an upstream itself from where the server runs: dig @127.0.0.1 -p {port} {name}")]:
        with Upstream(answer) as upstream, Kubia(t, upstream.port) as kubia, t.case(f"{code}: cause and cure"):
            said = kubia.json(name)
            words = {"at": f"127.0.0.1:{upstream.port}", "port": upstream.port, "name": name}
            equal(said["found"], False)
            equal(findings(said), [(code, cause.format(**words), cure.format(**words))])


def headless(t):
    """No pod of a headless Service is ready: the name does not exist, and it says why."""
    with Kubia(t, free_port()) as kubia, t.case("a headless Service without a ready pod: cause and cure"):
        unready(kubia)
        kubia.change("endpointslices.yaml", "    - 10.0.2.5\n    conditions:\n      ready: true\n      serving: true",
                     "    - 10.0.2.5\n    conditions:\n      ready: false\n      serving: false")
        said = kubia.json("kubia-headless")
        equal((said["found"], said["steps"][0]["rcode"], said["steps"][0]["reason"]),
              (False, "NXDOMAIN", "EDE 0: service kubia-headless has 0 of 3 endpoints ready"))
        equal(findings(said)[0], (
            "none-ready", "None of the 3 endpoints of the Service default/kubia-headless is ready: it is headless, so its "
            "name does not exist until one is.", "Make its pods ready: kubectl -n default get pods -l app=kubia-headless. If "
            "clients shall find pods that are not ready, set publishNotReadyAddresses: true in the Service."))
        equal(findings(said)[1], (
            "pod-not-ready", "Pod default/kubia-headless-7c9d8f6b5d-9mfr4 (10.0.0.8) is not ready, so it is not in the Service "
            "default/kubia-headless: the readiness probe of container main fails (Ready is False: ContainersNotReady: "
            "containers with unready status: [main]).", CURE.format("9mfr4")))


def two_at_once(t):
    """A third explanation is told to ask again, by HTTP and by the command."""
    port = free_port()
    with Upstream(silent_of_httpbin) as silent, Kubia(t, silent.port, f"status 127.0.0.1:{port}") as kubia, \
            Keryx(t, None, args=("-dns.port", "0", "-conf", str(kubia.corefile))) as k, \
            t.case("two explanations are made at once, and a third is told so: status 2"):
        until(lambda: "/" in k.http, f"'http listening' of status; {k.output()}", 10 * t.slack)
        got = []
        asked = [threading.Thread(target=lambda: got.append(get(port, "/api/explain?name=external-service-externalname")))
                 for _ in range(2)]
        for thread in asked:
            thread.start()
        until(lambda: sum("httpbin" in x[0] for x in silent.asked) >= 2, "two questions upstream", 10 * t.slack)
        equal(get(port, "/api/explain?name=kubia"), (503, BUSY + "\n"))
        equal(run_to_end(t, ["explain", "kubia", "-server", f"127.0.0.1:{port}"]), (2, "", f"keryx: explain: {BUSY}\n"))
        check(any(thread.is_alive() for thread in asked), "they had ended before the third came")
        for thread in asked:
            thread.join(60 * t.slack)
        equal([status for status, _ in got], [200, 200])
        equal(run_to_end(t, ["explain", "kubia", "-server", f"127.0.0.1:{port}"])[0], 0, "places are given back")


def held_down(t):
    """An upstream that answers questions, and no probes: the server holds it to be down, an explanation has asked it."""
    port, at = free_port(), free_port()

    def answer(query, tcp):
        if query.questions[0][0] == ".":
            return None
        return reply(query, wire.record(query.questions[0][0], "A", 1, 60, bytes([192, 0, 2, 80])), 1)

    with Kubia(t, at, f"status 127.0.0.1:{port}") as kubia:
        kubia.corefile.write_text(kubia.corefile.read_text().replace("max_fails 0", "health_check 100ms"))
        with Keryx(t, None, args=("-dns.port", "0", "-conf", str(kubia.corefile))) as k, \
                t.case("an upstream that the server holds to be down, since when, and that it has replied here"):
            until(lambda: "/" in k.http, f"'http listening' of status; {k.output()}", 10 * t.slack)

            def down():
                k.udp("www.example.org.")
                return any(f"upstream 127.0.0.1:{at} is down" in line for line in list(k.lines))
            until(down, f"the upstream to be down; {k.output()}", 20 * t.slack)
            want = (f"The server holds the upstream 127.0.0.1:{at} to be down since TIME: its health checks fail, and "
                    "queries go to it only if all are down")
            cure = f"See whether it runs and can be reached from where the server runs: dig @127.0.0.1 -p {at} . NS"

            def explained():
                said = json.loads(get(port, "/api/explain?name=www.example.org.")[1])
                return said["found"], [(code, re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", cause), cure)
                                       for code, cause, cure in findings(said)]
            found, told = explained()
            equal((found, told[-1]), (False, ("upstream-down", want + ".", cure)))
            with Upstream(answer, port=at):
                equal(explained(), (True, [("upstream-down", want + "; it has replied to this explanation.", cure)]))
            equal(explained()[1][-1][0], "upstream-down")


def run(t):
    upstream_answers(t)
    headless(t)
    two_at_once(t)
    held_down(t)
