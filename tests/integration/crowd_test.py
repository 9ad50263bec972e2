"""A thousand clients ask for one name at once, which a slow upstream has: it is asked once per worker."""
import contextlib
import resource
import selectors
import socket
import time

import cluster
import wire
from harness import Skip, check, equal
from hostile_upstream import HONEST, HostileUpstream
from keryx import Keryx

FILES = {"objects.json": cluster.OBJECTS}
CLIENTS, OVER_TCP = 1000, 100
DELAY = 0.3
NAMES = ("one.example.org.", "ONE.Example.org.", "one.EXAMPLE.ORG.")


def more_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < CLIENTS + 200:
        if hard != resource.RLIM_INFINITY and hard < CLIENTS + 200:
            raise Skip(f"only {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (CLIENTS + 200, hard))


def query(i, tcp):
    octets = wire.query(NAMES[i % len(NAMES)], ident=i, edns=wire.opt() if i % 2 else None)
    return wire.frame(octets) if tcp else octets


def connected(stack, k, kind):
    sock = stack.enter_context(socket.socket(socket.AF_INET, kind))
    sock.settimeout(5)
    sock.connect((k.address, k.port))
    return sock


def replies(clients, seconds):
    """What each client reads until that many seconds have passed, by its number."""
    got, deadline = {}, time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for i, (sock, _) in enumerate(clients):
            waiting.register(sock, selectors.EVENT_READ, i)
        while waiting.get_map() and time.monotonic() < deadline:
            for key, _ in waiting.select(0.1):
                sock, tcp = clients[key.data]
                got[key.data] = wire.read_frame(sock) if tcp else sock.recv(65535)
                waiting.unregister(sock)
    return got


def ask_all(t, k):
    with contextlib.ExitStack() as stack:
        clients = [(connected(stack, k, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM), tcp)
                   for tcp in (i < OVER_TCP for i in range(CLIENTS))]
        for i, (sock, tcp) in enumerate(clients):
            sock.sendall(query(i, tcp))
        got = replies(clients, 5 * t.slack)
    equal(len(got), CLIENTS, "clients with an answer")
    for i, octets in got.items():
        r = wire.parse(octets)
        equal((r.ident, r.rcode_text, r.addresses()), (i, "NOERROR", [HONEST]))
        equal(r.questions[0][0], NAMES[i % len(NAMES)], "question")
        equal(r.edns is not None, bool(i % 2), "OPT")


def at_once(asked, delay):
    """How many questions, at most, waited for their answers at one time."""
    return max(sum(other.at <= one.at < other.at + delay for other in asked) for one in asked)


def crowd(t, workers, extra):
    delay = min(DELAY * t.slack, 1.5)
    with HostileUpstream(lambda asked: asked.answer(after=delay)) as up, \
            Keryx(t, cluster.corefile(up.port, extra), FILES, args=("-dns.port", "0", "-workers", str(workers))) as k, \
            t.case(f"{CLIENTS} clients, -workers {workers}{', cache' if extra else ''}: one query upstream per worker"):
        ask_all(t, k)
        asked = up.count(NAMES[0])
        # Without a cache, who asks after the answer has come (a machine that is busy) is one for upstream again.
        together = asked if extra else at_once([one for one in up.asked if one.name.lower() == NAMES[0]], delay)
        check(1 <= together <= workers, f"{together} queries upstream")
        if extra:
            ask_all(t, k)
            equal(up.count(NAMES[0]), asked, "queries upstream, once it is in the cache")


def run(t):
    more_descriptors()
    for workers in (1, 2, 4):
        for extra in ("", "cache"):
            crowd(t, workers, extra)
