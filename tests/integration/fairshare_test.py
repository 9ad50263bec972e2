"""One client wants everything, another one asks for names of the cluster: it does not notice.

Clients are addresses of loopback (127.0.0.2, 127.0.0.66) over UDP and TCP. As root, the server and the client
that is watched go ahead of what else the machine does, and then the flood is as much as two processes can
send: more than the server could answer.
"""
import contextlib
import multiprocessing
import os
import pathlib
import random
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import cluster
import wire
from blackhole_test import BlackHole
from harness import Skip, check, equal, until
from keryx import Keryx
from scrape import Scrape, fetch
from upstream import Upstream

FILES = {"objects.json": cluster.OBJECTS}
OTHER, HOG = "127.0.0.2", "127.0.0.66"
RATE, SECONDS = 500, 4       # of the client that is watched
FLOOD, GENTLE_FLOOD = 50_000, 10_000  # a second, of each of two processes; where the server is no faster than others
PATIENCE = 5.0
# A machine that gives the server no CPU is no fault of the server: then again, with half the flood.
ATTEMPTS = 4
STARVED = 0.05               # of the time, that threads of the server were ready to run and did not
SLOWEST, MEDIAN = 1.0, 0.02  # seconds, on a machine that has more to do
AHEAD = -20 if os.geteuid() == 0 else 0
PREFIX = ["nice", "-n", str(AHEAD)] if AHEAD else []
COREFILE = """
. {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    {limit}
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:{port}
}}
"""


def world(query, tcp):
    return cluster.world(query, tcp)


def scrape(k):
    return Scrape(fetch(k.http["/metrics"][0][1]))


def limited(k, **labels):
    return scrape(k).sum("keryx_limited_queries_total", **labels)


def bound(address, kind=socket.SOCK_DGRAM):
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind((address, 0))
    sock.settimeout(5)
    return sock


class Client:
    """Asks from one address, a socket for all questions over UDP."""

    def __init__(self, k, address):
        self.peer, self.address, self.sock = (k.address, k.port), address, bound(address)

    def udp(self, qname, timeout=5.0, **kwargs):
        self.sock.settimeout(timeout)
        self.sock.sendto(wire.query(qname, **kwargs), self.peer)
        try:
            return wire.parse(self.sock.recv(65535))
        except TimeoutError:
            return None

    def tcp(self, qname, **kwargs):
        with bound(self.address, socket.SOCK_STREAM) as sock:
            sock.connect(self.peer)
            sock.sendall(wire.frame(wire.query(qname, **kwargs)))
            return wire.parse(wire.read_frame(sock))

    def is_over(self):
        """Whether of a hundred queries at once most are truncated, or dropped: one after the other would be too slow
        for any limit on a machine that has much to do."""
        with bound(self.address) as sock:
            sock.settimeout(1)
            for ident in range(100):
                sock.sendto(wire.query(cluster.SERVICE, ident=ident), self.peer)
            full = replies = 0
            with contextlib.suppress(TimeoutError):
                while replies < 100:
                    full += not wire.parse(sock.recv(2048)).flags & wire.TC
                    replies += 1
        return full < 60


def flood(address, port, rate, stop, sender):
    """Another name outside the cluster each time; nobody reads the replies. Sends how many."""
    os.nice(5)
    with bound(HOG) as sock:
        sock.connect((address, port))
        sock.setblocking(False)
        rng, tail, sent, started = random.Random(os.getpid()), wire.question("example.org."), 0, time.monotonic()
        while not stop.is_set():
            if sent > (time.monotonic() - started) * rate:
                time.sleep(0.0005)
                continue
            for _ in range(50):
                head = wire.header(rng.getrandbits(16), wire.RD) + b"\x08" + b"%08x" % rng.getrandbits(32)
                with contextlib.suppress(OSError):
                    sock.send(head + tail)
                    sent += 1
    sender.send(sent)


@contextlib.contextmanager
def flooding(k, rate):
    """A list that has the number of queries in the end, of two processes."""
    stop, total, running = multiprocessing.Event(), [], []
    for _ in range(2):
        receiver, sender = multiprocessing.Pipe(False)
        process = multiprocessing.Process(target=flood, args=(k.address, k.port, rate, stop, sender), daemon=True)
        process.start()
        running.append((process, receiver))
    try:
        yield total
    finally:
        stop.set()
        for process, receiver in running:
            total.append(receiver.recv() if receiver.poll(30) else 0)
            process.join()


def watch(k, rate=RATE, seconds=SECONDS):
    """(asked, wrong or unanswered, seconds that each took in order), of names of the cluster from OTHER. As a
    stub resolver, it asks again when there is no reply in PATIENCE: that counts as lost."""
    message, took, wrong = wire.query(cluster.SERVICE)[2:], [], 0
    with bound(OTHER) as sock:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, AHEAD)
        sock.connect((k.address, k.port))
        sock.setblocking(False)
        waiting, sent, total, started = {}, 0, rate * seconds, time.monotonic()
        end = started + seconds + PATIENCE + 10
        while (sent < total or waiting) and time.monotonic() < end:
            now = time.monotonic()
            if sent < total and now >= started + sent / rate:
                waiting[sent & 0xffff] = time.monotonic()
                sock.send(struct.pack("!H", sent & 0xffff) + message)
                sent += 1
            with contextlib.suppress(BlockingIOError):
                octets = sock.recv(2048)
                asked = waiting.pop(octets[0] << 8 | octets[1])
                took.append(time.monotonic() - asked)
                r = wire.parse(octets)
                wrong += (r.rcode, r.addresses()) != (wire.NOERROR, ["10.96.1.1"])
                continue
            if waiting and time.monotonic() - min(waiting.values()) > PATIENCE:
                break
            time.sleep(0.0003)
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)
    return sent, total - len(took) + wrong, sorted(took)


def run_delay(k):
    """Seconds that threads of the server have waited for a CPU (proc(5), schedstat)."""
    total = 0
    for path in pathlib.Path(f"/proc/{k.process.pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[1])
    return total / 1e9


def attempt(t, k, what, rate):
    """(lost, seconds that each took, share of the time that the server was starved, samples before and after) of
    cluster names beside a flood."""
    with flooding(k, rate) as total:
        start = scrape(k).sum("keryx_messages_total")
        until(lambda: scrape(k).sum("keryx_messages_total") > start + 5000, "the flood", 30 * t.slack)
        before, began, delay = scrape(k), time.monotonic(), run_delay(k)
        asked, lost, took = watch(k)
        after, lasted = scrape(k), time.monotonic() - began
        starved = (run_delay(k) - delay) / lasted
    reached = (after.sum("keryx_messages_total") - before.sum("keryx_messages_total")) / lasted
    overflows = after.sum("keryx_udp_overflows_total") - before.sum("keryx_udp_overflows_total")
    print(f"   {what}: {sum(total)} sent, {reached:.0f}/s reached the server, {overflows:.0f} overflows; of {asked} cluster "
          f"names {lost} lost, median {took[len(took) // 2] * 1000:.2f} ms, slowest {took[-1] * 1000:.1f} ms; starved "
          f"{starved:.1%}", flush=True)
    return lost, took, starved, before, after


def unnoticed(t, k, what, rate):
    """The samples before and after."""
    equal(watch(k, seconds=1)[1], 0, "lost without a flood")
    for _ in range(ATTEMPTS):
        lost, took, starved, before, after = attempt(t, k, what, rate)
        median, slowest = took[len(took) // 2], took[-1]
        in_time = median < MEDIAN * t.slack and slowest < SLOWEST * t.slack
        if lost == 0 and in_time:
            break
        rate //= 2
    names = (f"{what}: no cluster name of another client is lost", f"{what}: and they are answered in time")
    if (lost or not in_time) and starved > STARVED:
        for name in names:
            t.skip(name, f"this machine is too busy: the server waited for a CPU for {starved:.0%} of the time")
        return before, after
    with t.case(names[0]):
        equal(lost, 0, "lost")
    with t.case(names[1]):
        check(in_time, f"median {median * 1000:.1f} ms, slowest {slowest * 1000:.1f} ms")
    return before, after


def accept(t):
    """What `ratelimit` is for."""
    rate = FLOOD if AHEAD and t.slack == 1 else GENTLE_FLOOD
    for over in ("truncate", "drop"):
        limit = f"ratelimit 600 {{\n        forwards 50\n        over {over}\n    }}"
        with Upstream(world) as up, \
                Keryx(t, COREFILE.format(limit=limit, port=up.port), FILES, ("-dns.port", "0", "-workers", "2"),
                      prefix=PREFIX) as k:
            before, after = unnoticed(t, k, f"a flood, over {over}", rate)
            with t.case(f"a flood, over {over}: hardly any of it goes upstream, and it is counted"):
                check(len(up.asked) <= 50 + 50 * 60 * ATTEMPTS * t.slack, f"{len(up.asked)} upstream")
                more = sum(after.sum("keryx_limited_queries_total", action=action) -
                           before.sum("keryx_limited_queries_total", action=action)
                           for action in ("truncated", "dropped"))
                check(more > 1000, f"{more} counted")
                equal(after.sum("keryx_limit_table_evictions_total"), 0, "evictions")
            with t.case(f"a flood, over {over}: the log names the client, and that seldom"):
                lines = [x for x in k.lines if "plugin/ratelimit" in x]
                check(1 <= len(lines) <= 2 * ATTEMPTS, str(lines))
                check(all(re.fullmatch(rf"\[WARNING\] plugin/ratelimit: client {HOG} \S+ more than (600 queries|50 forwards)"
                                       r" a second: [0-9a-z ,]+", x) for x in lines), str(lines))


def shares(t):
    """Without a limit: an upstream that never answers, and a client that fills every place."""
    with BlackHole() as hole, \
            Keryx(t, COREFILE.format(limit="", port=hole.port), FILES, ("-dns.port", "0", "-workers", "1"),
                  prefix=PREFIX) as k:
        what = "a flood without ratelimit, for a silent upstream"
        before, after = unnoticed(t, k, what, GENTLE_FLOOD)
        with t.case(f"{what}: its share is less than all places"):
            check(after.sum("keryx_limited_queries_total", limit="waiting", action="refused") > 0, "nothing was refused")
            pending = max(before.sum("keryx_pending_forwards"), after.sum("keryx_pending_forwards"))
            check(pending <= 7500, f"{pending} wait")
        with t.case(f"{what}: the log says who has it"):
            line = f"[WARNING] plugin/forward: client {HOG} has its share of 10000 places for queries that wait: "
            check(any(x.startswith(line) for x in k.lines), str(k.lines[-5:]))
        with t.case("a queue that is not emptied has forwards refused"), flooding(k, FLOOD):
            def shed_after_a_stall():
                k.process.send_signal(signal.SIGSTOP)
                time.sleep(0.05)
                k.process.send_signal(signal.SIGCONT)
                time.sleep(0.05)
                return scrape(k).sum("keryx_shed_forwards_total") > 0
            until(shed_after_a_stall, "forwards that are shed", 60 * t.slack)


def places_for_others(t):
    """max_concurrent 40: a client gets 30 of them, another one still finds a place."""
    gate = threading.Event()

    def answer(query, tcp):
        return world(query, tcp) if gate.is_set() else None
    extra = "forward example.com 127.0.0.1:{} {{\n        max_concurrent 40\n        max_fails 0\n    }}"
    with Upstream(answer) as up, \
            Keryx(t, COREFILE.format(limit=extra.format(up.port), port=up.port), FILES,
                  ("-dns.port", "0", "-workers", "1"), wait=False) as k, \
            t.case("a client that has most of the places that max_concurrent allows leaves some for others"):
        with bound(HOG) as sock:
            for i in range(60):
                sock.sendto(wire.query(f"{i}.example.com.", ident=i), (k.address, k.port))
            refused = [wire.parse(sock.recv(2048)) for _ in range(30)]
        equal({r.rcode_text for r in refused}, {"REFUSED"}, "replies")
        until(lambda: scrape(k).sum("keryx_pending_forwards") == 30, "30 that wait")
        gate.set()
        equal(Client(k, OTHER).udp("www.example.com.").rcode_text, "NOERROR", "another client")


def both_transports(t):
    limit = "ratelimit 5 {\n        burst 20\n    }"
    with Upstream(world) as up, \
            Keryx(t, COREFILE.format(limit=limit, port=up.port), FILES, ("-dns.port", "0", "-workers", "2")) as k:
        hog, other = Client(k, HOG), Client(k, OTHER)
        with t.case("more than the budget is truncated, from all of a client's sockets and workers together"):
            with contextlib.ExitStack() as stack:
                socks, flags = [stack.enter_context(bound(HOG)) for _ in range(64)], []
                for sock in socks:
                    sock.sendto(wire.query(cluster.SERVICE), (k.address, k.port))
                end = time.monotonic() + 1
                while time.monotonic() < end:
                    flags += [wire.parse(sock.recv(2048)).flags for sock in select.select(socks, [], [], 0.1)[0]]
            cut = sum(1 for f in flags if f & wire.TC)
            answered = len(flags) - cut
            # Twenty at once, and what comes back while they are under way.
            check(20 <= answered <= 20 + 20 * t.slack, f"{answered} answered, {cut} truncated")
            check(cut > 0, "none was truncated")
        with t.case("a client that heeds TC has its answer over TCP"):
            check(hog.is_over(), "no limit")
            equal(hog.tcp(cluster.SERVICE).addresses(), ["10.96.1.1"], "over TCP")
        with t.case("dig has its answer, over UDP or TCP"):
            check(hog.is_over(), "no limit")
            out = subprocess.run(["dig", "-b", HOG, "+tries=3", "+time=2", "+short", "@" + k.address, "-p", str(k.port),
                                  cluster.SERVICE], capture_output=True, text=True, check=False, timeout=30).stdout
            check(out.strip().endswith("10.96.1.1"), out)
        with t.case("another client has its own budget"):
            equal(other.udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "over UDP")
        with t.case("too much over TCP is refused, and counted"):
            with bound(HOG, socket.SOCK_STREAM) as sock:
                sock.connect((k.address, k.port))
                sock.sendall(b"".join(wire.frame(wire.query(cluster.SERVICE, ident=i)) for i in range(90)))
                codes = [wire.parse(wire.read_frame(sock)).rcode_text for _ in range(90)]
            check(20 <= codes.count("NOERROR") + 2 and codes.count("REFUSED") > 0, str(codes))
            equal(limited(k, limit="queries", action="refused"), codes.count("REFUSED"), "refused")
    with Keryx(t, COREFILE.format(limit=limit.replace("burst 20", f"exempt {HOG}/32"), port=1), FILES) as k, \
            t.case("who is exempt has no limit"):
        hog, other = Client(k, HOG), Client(k, OTHER)
        check(not hog.is_over(), "a limit")
        check(other.is_over(), "no limit")


def reflection(t):
    """Queries with the victim's address, as a raw socket sends them."""
    limit = "rrl {\n        responses-per-second 5\n        slip-ratio 2\n    }"
    with Keryx(t, COREFILE.format(limit=limit, port=1), FILES) as k, bound("127.0.0.99") as victim, \
            t.case("the owner of a forged address gets little of what was asked for in its name"):
        if os.geteuid() != 0:
            raise Skip("needs root for raw sockets")
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
            message = wire.query(cluster.SERVICE, edns=wire.opt())
            udp = struct.pack("!4H", victim.getsockname()[1], k.port, 8 + len(message), 0) + message
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                                 socket.inet_aton("127.0.0.99"), socket.inet_aton(k.address))
            for _ in range(400):
                raw.sendto(header + udp, (k.address, 0))
        until(lambda: scrape(k).sum("keryx_messages_total") >= 300, "the queries")
        full, octets = 0, 0
        victim.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                reply = victim.recv(2048)
                full += not wire.parse(reply).flags & wire.TC
                octets += len(reply)
        check(1 <= full <= 10, f"{full} answers")  # five, and what a slow machine adds
        check(octets < 400 * len(message), f"{octets} octets for {400 * len(message)}")
        equal(Client(k, "127.0.0.99").tcp(cluster.SERVICE).addresses(), ["10.96.1.1"], "over TCP")
        equal(Client(k, "127.0.1.1").udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "another network")


def reload(t):
    with Keryx(t, COREFILE.format(limit="ratelimit 10", port=1), FILES) as k, \
            t.case("a reload with a mistake leaves the limit, one without takes it away"):
        client = Client(k, HOG)
        check(client.is_over(), "no limit")
        (k.folder / "Corefile").write_text(COREFILE.format(limit="ratelimit 0", port=1))
        k.process.send_signal(signal.SIGUSR1)
        until(lambda: any("Corefile:5: ratelimit needs a whole number from 1 to 1000000: read '0'" in x for x in k.lines),
              "the error", 20 * t.slack)
        check(client.is_over(), "no limit")
        (k.folder / "Corefile").write_text(COREFILE.format(limit="", port=1))
        k.process.send_signal(signal.SIGUSR1)
        until(lambda: any("Reloading complete" in x for x in k.lines), "the reload", 20 * t.slack)
        until(lambda: not client.is_over(), "an end of the limit")


def run(t):
    both_transports(t)
    places_for_others(t)
    reflection(t)
    reload(t)
    accept(t)
    shares(t)
