"""Upstreams that send our own questions back: they are found out and passed over, and the rest goes on.

KERYX_LONG=yes waits for the half minute after which such an upstream is tried again.
"""
import concurrent.futures
import os
import time

import cluster
import wire
from daemon import Dnsmasq
from harness import check, equal, free_port, until
from keryx import Keryx
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
EDE = 15
UNREACHABLE = (22, 23)
FOUND = 8.0  # seconds until a loop is known: the first probe may be lost while the other side starts
QUESTIONS = 200


def serving(t, port, upstreams, extra="loop"):
    """A server on `port` that forwards to these ports."""
    text = cluster.corefile(" 127.0.0.1:".join(map(str, upstreams)), extra)
    return Keryx(t, text, FILES, args=("-dns.port", str(port)), wait=False)


def said(k, what="plugin/loop"):
    return [line for line in k.lines if what in line]


def extended_errors(r):
    return [int.from_bytes(data[:2], "big") for code, data in r.edns_options() if code == EDE]


def check_cluster(k, rounds=20):
    for _ in range(rounds):
        equal(k.udp(cluster.SERVICE, timeout=k.t.slack).addresses(), ["10.96.1.1"])


def check_found(t, k, port):
    """`k` has found out its one upstream, on `port`."""
    until(lambda: said(k), "the line about the loop", FOUND * t.slack)
    for i in range(5):
        for ask in (k.udp, k.tcp):
            started = time.monotonic()
            r = ask(f"n{i}.example.org.", edns=wire.opt(), timeout=2 * t.slack)
            check(r is not None, "no reply")
            equal(r.rcode_text, "SERVFAIL", "rcode of an external name")
            check(set(extended_errors(r)) & set(UNREACHABLE), f"extended errors {extended_errors(r)}")
            took = time.monotonic() - started
            check(took < t.slack, f"{took:.2f} s")
    check_cluster(k)
    lines = said(k)
    equal(len(lines), 1, f"lines about the loop, {lines}")
    check(lines[0].startswith("[ERROR] plugin/loop: Loop ("), lines[0])
    check(f"127.0.0.1:{port}" in lines[0], lines[0])
    check(k.alive(), "the server is gone")


def to_itself(t):
    port = free_port()
    with serving(t, port, [port]) as k, t.case("an upstream that is the server itself"):
        check_cluster(k, 3)
        check_found(t, k, port)


def to_each_other(t):
    """The first to find out cuts the circle; the other's probes then end there, and it may say nothing."""
    one, other = free_port(), free_port()
    with serving(t, one, [other]) as k, serving(t, other, [one]) as l, \
            t.case("two servers that forward to each other"):
        until(lambda: said(k) or said(l), "a line about the loop", FOUND * t.slack)
        for server, upstream in ((k, other), (l, one)):
            if said(server):
                check_found(t, server, upstream)
            r = server.udp("www.example.org.", timeout=2 * t.slack)
            equal(r and r.rcode_text, "SERVFAIL", "rcode of an external name")
            check_cluster(server)


def by_way_of_another(t):
    with t.case("by way of dnsmasq"):
        port = free_port()
        between = Dnsmasq("cluster.local.", None)
        with serving(t, port, [between.port]) as k:
            between.upstream = k
            with between:
                check_found(t, k, between.port)


def beside_a_good_one(t):
    """What was sent into the loop before it was known is answered in time all the same."""
    port = free_port()

    def answer(query, tcp):
        return reply(query, wire.record(query.questions[0][0], "A", 1, 60, bytes([192, 0, 2, 7])), 1)

    with Upstream(answer) as up, \
            serving(t, port, [port, up.port], "loop\n    log . {\n        class error\n    }") as k, \
            t.case("one looping upstream beside a good one"):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            early = list(pool.map(lambda i: k.udp(f"early{i}.example.org.", timeout=6 * t.slack), range(16)))
        equal([r and r.addresses() for r in early], [["192.0.2.7"]] * 16)
        until(lambda: said(k), "the line about the loop", FOUND * t.slack)
        before = len(up.asked)
        for i in range(QUESTIONS):
            r = k.udp(f"n{i}.example.org.", timeout=2 * t.slack)
            equal(r and r.addresses(), ["192.0.2.7"], f"answer {i}")
        asked = [qname for qname, _, _ in up.asked[before:] if qname.startswith("n")]
        equal(len(asked), QUESTIONS, "questions to the good one")
        check_cluster(k)
        equal(len(said(k, "Loop (")), 1, f"lines about a loop, {said(k)}")


def cpu_seconds(k):
    fields = open(f"/proc/{k.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def unwatched(t):
    """Each question goes round until it meets itself: what waits is asked once per worker."""
    port = free_port()
    with serving(t, port, [port], "") as k, t.case("without `loop`: what goes round ends"):
        check_cluster(k, 3)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            started = time.monotonic()
            asked = [pool.submit(k.udp, f"n{i}.example.org.", edns=wire.opt(), timeout=8 * t.slack) for i in range(50)]
            while time.monotonic() < started + 2:
                check_cluster(k, 1)
            replies = [future.result() for future in asked]
            took = time.monotonic() - started
        equal([r and r.rcode_text for r in replies], ["SERVFAIL"] * 50)
        check(took < 5.5 * t.slack, f"{took:.2f} s")
        check_cluster(k)
        used = cpu_seconds(k)
        check(used < 2 * t.slack, f"{used:.2f} s of CPU time")
        equal(said(k), [])


def that_ends(t):
    port, other = free_port(), free_port()
    with serving(t, port, [other]) as k:
        with serving(t, other, [port], ""), t.case("a loop that will end"):
            check_found(t, k, other)

        def answer(query, tcp):
            return reply(query, wire.record(query.questions[0][0], "A", 1, 60, bytes([192, 0, 2, 7])), 1)

        with Upstream(answer, port=other), t.case("a loop that has ended: the upstream is asked again"):
            until(lambda: said(k, "loops no more"), "the line about the end", 75 * t.slack)
            check(said(k, "loops no more")[0].startswith("[INFO] plugin/loop: "), str(said(k)))
            equal(k.udp("www.example.org.").addresses(), ["192.0.2.7"])
            equal(len(said(k)), 2, f"lines, {said(k)}")


def run(t):
    to_itself(t)
    to_each_other(t)
    by_way_of_another(t)
    beside_a_good_one(t)
    unwatched(t)
    if os.environ.get("KERYX_LONG") == "yes":
        that_ends(t)
