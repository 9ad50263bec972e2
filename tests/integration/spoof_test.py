"""Off the path: who guesses ids gets no forged answer in, and there is little to guess from.

KERYX_LONG=yes attacks 1,000 queries instead of 50.
"""
import collections
import concurrent.futures
import math
import os
import select
import socket
import struct

import cluster
import wire
from forger import FORGED, GUESSES, HONEST, Counter, Forger
from harness import check, equal
from keryx import Keryx

FILES = {"objects.json": cluster.OBJECTS}
ATTACKED = 1000 if os.environ.get("KERYX_LONG") == "yes" else 50
HONEST_QUERIES, LEAST_PORTS = 100_000, 1000
IN_FLIGHT = 400
LEAST_CHANCE = 1e-6  # a fair source fails one of these checks once in 100,000 runs


def attacked(t):
    """Several clients ask at once, so that sockets are shared by queries."""
    with Forger() as forger, Keryx(t, cluster.corefile(forger.port, "cache"), FILES) as k:
        def ask(i):
            replies = [k.udp(f"n{i}.example.org.", timeout=8) for _ in range(2)]
            return [(r.rcode_text, [rr.rdata for rr in r.answer]) if r else ("silence", []) for r in replies]

        with t.case(f"{GUESSES} guesses at each of {ATTACKED} queries: none is right"):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(ask, range(ATTACKED)))
            got = [answer for pair in answers for answer in pair]
            equal(sum(FORGED in records for _, records in got), 0, "forged answers")
            wrong = [answer for answer in got if answer != ("NOERROR", [HONEST])]
            check(not wrong, f"{len(wrong)} of {len(got)}: {wrong[:3]}")
        with t.case("what the attacker saw: each asked over UDP, then over TCP"):
            check(forger.over_udp >= ATTACKED, f"{forger.over_udp} queries over UDP")
            check(forger.over_tcp >= ATTACKED, f"{forger.over_tcp} queries over TCP")
            equal(forger.forged, GUESSES * forger.over_udp, "forged replies")
        with t.case("a cluster name is answered while this goes on"):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                busy = [pool.submit(ask, f"c{i}") for i in range(4)]
                while not all(f.done() for f in busy):
                    equal(k.udp(cluster.SERVICE, timeout=t.slack).addresses(), ["10.96.1.1"])


def honest_queries(k, count):
    """Asks so many names, IN_FLIGHT at once; the number of answers."""
    tail = wire.question("example.org.")
    head = wire.header(0, wire.RD)[2:]
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.connect((k.address, k.port))
        for i in range(count):
            sock.send(struct.pack("!H", i & 0xffff) + head + b"\x07%07d" % i + tail)
            while i + 1 - answered >= IN_FLIGHT or i + 1 == count > answered:
                if not select.select([sock], [], [], 10)[0]:
                    return answered
                answered += sock.recv(512)[3] & 15 == 0
    return answered


def chance(values, classes):
    """How probable it is that fair values are as uneven as these, or as even: the lesser of both."""
    counts, expected = collections.Counter(values), len(values) / classes
    square = sum((counts[i] - expected) ** 2 for i in range(classes)) / expected
    k = classes - 1  # degrees of freedom; chi-squared by Wilson and Hilferty (1931)
    z = ((square / k) ** (1 / 3) - (1 - 2 / (9 * k))) / math.sqrt(2 / (9 * k))
    return 0.5 * math.erfc(abs(z) / math.sqrt(2))


def statistics(t):
    with Counter() as upstream, Keryx(t, cluster.corefile(upstream.port), FILES) as k:
        with t.case(f"{HONEST_QUERIES} honest queries are answered"):
            equal(honest_queries(k, HONEST_QUERIES), HONEST_QUERIES, "answers")
        seen = upstream.seen()
    ports, ids = [port for port, _ in seen], [ident for _, ident in seen]
    with t.case(f"they come from {LEAST_PORTS} ports and more"):
        check(len(seen) >= HONEST_QUERIES, f"only {len(seen)} queries upstream")
        check(len(set(ports)) >= LEAST_PORTS, f"{len(set(ports))} ports in {len(seen)} queries")
        most = collections.Counter(ports).most_common(1)[0][1]
        check(most <= len(seen) / 20, f"{most} of {len(seen)} queries from one port")
    steps = [(b - a) & 0xffff for a, b in zip(ids, ids[1:])]
    for what, values in (("ids", ids), ("steps between ids", steps)):
        for part, octets in (("high", [v >> 8 for v in values]), ("low", [v & 255 for v in values])):
            with t.case(f"{what} are even, {part} octet"):
                check(chance(octets, 256) > LEAST_CHANCE, f"chi-squared test: p = {chance(octets, 256):.2g}")
    with t.case("a port's next id does not follow from the last"):
        last, following = {}, []
        for port, ident in seen:
            if port in last:
                following.append((ident ^ last[port]) & 255)
            last[port] = ident
        check(chance(following, 256) > LEAST_CHANCE, f"chi-squared test: p = {chance(following, 256):.2g}")


def run(t):
    attacked(t)
    statistics(t)
