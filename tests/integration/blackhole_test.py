"""An upstream that never answers, 20,000 questions a second for it, and cluster names beside them.

Three processes: one asks external names, one cluster names, the third is the server. As root they go ahead of what
else the machine does. KERYX_LONG=yes goes on for 60 s instead of 5, and is strict about the time of cluster names.
"""
import dataclasses
import multiprocessing
import os
import select
import socket
import statistics
import struct
import time

import cluster
import wire
from harness import Skip, check, equal
from keryx import Keryx

FILES = {"objects.json": cluster.OBJECTS}
LONG = os.environ.get("KERYX_LONG") == "yes"
SECONDS = 60 if LONG else 5
CALM_SECONDS = 3
EXTERNAL_RATE, CLUSTER_RATE = 20_000, 1000
LONGEST = 5.2       # seconds from a question to its reply, at most
P99 = 0.002 if LONG else 0.25  # s, of cluster names; what waited for the black hole would take seconds
GROWTH, GROWTH_OCTETS = 1.10, 4 << 20
WARM = 10.0         # seconds until as much waits as ever will, and the first have been given up
RECEIVE_BUFFER = 1 << 23
RCVBUFFORCE = 33    # Linux's SO_RCVBUFFORCE, beyond the limit for users
AHEAD = -20 if os.geteuid() == 0 else 0
PREFIX = ["nice", "-n", str(AHEAD)] if AHEAD else []
COREFILE = """
. {{
    bind 127.0.0.1
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:{port}
    {extra}
}}
"""


class BlackHole:
    """Takes UDP and TCP, and reads nothing."""

    def __enter__(self):
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server(("127.0.0.1", self.port))
                return self
            except OSError:
                self.udp.close()

    def __exit__(self, *_):
        self.udp.close()
        self.tcp.close()


@dataclasses.dataclass
class Outcome:
    sent: int = 0
    rcodes: dict = dataclasses.field(default_factory=dict)
    slowest: dict = dataclasses.field(default_factory=dict)  # by rcode, seconds
    took: list = dataclasses.field(default_factory=list)     # seconds, of each that was answered
    lasted: float = 0.0                                      # seconds, of sending


class Asker:
    """Sends questions made beforehand at a rate, over a few sockets, and takes the replies by socket and id."""

    def __init__(self, address, port, rate, sockets):
        self.rate, self.outcome = rate, Outcome()
        self.poll, self.socks = select.epoll(), {}
        for _ in range(sockets):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE if os.geteuid() == 0 else socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.connect((address, port))
            sock.setblocking(False)
            self.socks[sock.fileno()] = sock
            self.poll.register(sock, select.EPOLLIN)
        self.fds = list(self.socks)
        self.waiting = {fd: {} for fd in self.fds}  # when each id was sent

    def receive(self, seconds=0.0):
        out = self.outcome
        for fd, _ in self.poll.poll(seconds):
            sock, waiting = self.socks[fd], self.waiting[fd]
            for _ in range(64):
                try:
                    octets = sock.recv(2048)
                except BlockingIOError:
                    break
                now = time.perf_counter()
                took = now - waiting.pop(octets[0] << 8 | octets[1])
                rcode = octets[3] & 15
                out.rcodes[rcode] = out.rcodes.get(rcode, 0) + 1
                if took > out.slowest.get(rcode, 0):
                    out.slowest[rcode] = took
                out.took.append(took)

    def ask(self, message_of, seconds, patience):
        """`message_of(i)` without its id; returns the outcome, after `patience` for the last replies."""
        out, start = self.outcome, time.perf_counter()
        total, at_once = int(self.rate * seconds), max(1, self.rate // 1000)
        ids = [0] * len(self.fds)
        while out.sent < total:
            due = min(total, int((time.perf_counter() - start) * self.rate), out.sent + at_once * 8)
            while out.sent < due:
                which = out.sent % len(self.fds)
                fd, ids[which] = self.fds[which], ids[which] + 1 & 0xffff
                sent_at = time.perf_counter()
                self.socks[fd].send(struct.pack("!H", ids[which]) + message_of(out.sent))
                self.waiting[fd][ids[which]] = sent_at
                out.sent += 1
            self.receive(0.0002)
        out.lasted = time.perf_counter() - start
        deadline = time.perf_counter() + patience
        while any(self.waiting.values()) and time.perf_counter() < deadline:
            self.receive(0.05)
        return out


def start(work, *args):
    """Runs work(*args) in a process of its own; a function that waits for what it returns."""
    receiver, sender = multiprocessing.Pipe(False)

    def run_ahead():
        os.nice(AHEAD)
        sender.send(work(*args))

    process = multiprocessing.Process(target=run_ahead, daemon=True)
    process.start()

    def result():
        check(receiver.poll(SECONDS * 4 + 60), "a client that does not end")
        value = receiver.recv()
        process.join()
        return value
    return result


def ask_cluster(address, port, seconds):
    message = wire.query(cluster.SERVICE)[2:]
    return Asker(address, port, CLUSTER_RATE, 4).ask(lambda _: message, seconds, 5)


def ask_many(address, port, below, seconds):
    """Another name below that one each time."""
    head, tail = wire.header(0, wire.RD)[2:] + b"\x08", wire.question(below)
    messages = [head + b"%08d" % i + tail for i in range(int(EXTERNAL_RATE * seconds))]
    return Asker(address, port, EXTERNAL_RATE, 16).ask(messages.__getitem__, seconds, LONGEST + 2)


def memory(k):
    with open(f"/proc/{k.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def percentile(took, share):
    return sorted(took)[int(len(took) * share)] if took else float("inf")


def watch_memory(k, seconds):
    """(octets once it is warm, most octets after that)."""
    started = time.monotonic()
    warm, most = 0, 0
    while time.monotonic() < started + seconds:
        time.sleep(0.1)
        if time.monotonic() < started + min(WARM, seconds * 0.6):
            warm = memory(k)
        else:
            most = max(most, memory(k))
    return warm, most


def texts(outcome):
    rcodes = ", ".join(f"{count} {wire.RCODES[rcode]}" for rcode, count in sorted(outcome.rcodes.items()))
    slowest = ", ".join(f"{wire.RCODES[rcode]} {took:.3f} s" for rcode, took in sorted(outcome.slowest.items()))
    return f"{outcome.sent / max(outcome.lasted, 0.001):.0f}/s: {rcodes}; slowest {slowest}"


def in_ms(took):
    return f"median {statistics.median(took) * 1000:.2f} ms, p99 {percentile(took, 0.99) * 1000:.2f} ms"


def judge(t, k, extra):
    """Compares with as many questions for names that the cluster has not: they cost the machine the same."""
    others = start(ask_many, k.address, k.port, "prod.svc.cluster.local.", CALM_SECONDS)
    calm = start(ask_cluster, k.address, k.port, CALM_SECONDS)()
    others = others()
    outside = start(ask_many, k.address, k.port, "example.org.", SECONDS)
    inside = start(ask_cluster, k.address, k.port, SECONDS)
    warm, most = watch_memory(k, SECONDS)
    inside, outside = inside(), outside()
    print(f"   cluster names beside others of the cluster: {in_ms(calm.took)}; beside a black hole: {in_ms(inside.took)}\n"
          f"   the others, {texts(others)}\n   for the black hole, {texts(outside)}\n"
          f"   memory {warm / 2**20:.1f} MiB, then at most {most / 2**20:.1f} MiB", flush=True)
    with t.case(f"{EXTERNAL_RATE} questions a second for a black hole{extra}: no cluster name is lost"):
        equal((inside.sent, inside.rcodes), (SECONDS * CLUSTER_RATE, {wire.NOERROR: inside.sent}), "cluster names")
    with t.case(f"a black hole{extra}: 99 of 100 cluster names are as fast as ever"):
        allowed = max(P99, 3 * percentile(calm.took, 0.99)) * t.slack
        p99 = percentile(inside.took, 0.99)
        check(p99 < allowed, f"{p99 * 1000:.2f} ms, want {allowed * 1000:.2f} ms")
    with t.case(f"a black hole{extra}: every question has its reply, in 5 s or at once"):
        equal(sum(outside.rcodes.values()), outside.sent, "replies")
        check(outside.sent / outside.lasted > EXTERNAL_RATE * 0.9 / t.slack, f"{outside.sent / outside.lasted:.0f}/s")
        check(set(outside.rcodes) <= {wire.SERVFAIL, wire.REFUSED}, str(outside.rcodes))
        check(outside.slowest[wire.SERVFAIL] < LONGEST * t.slack, f"SERVFAIL after {outside.slowest[2]:.2f} s")
        check(outside.slowest[wire.REFUSED] < 0.5 * t.slack, f"REFUSED after {outside.slowest[5]:.2f} s")
    with t.case(f"a black hole{extra}: memory stays what it is"):
        check(most < warm * GROWTH + GROWTH_OCTETS, f"{warm} octets, then {most}")


def run(t):
    if t.slack > 1:
        raise Skip("a build with sanitizers is no match for floods")
    for extra in ("", "cache"):
        with BlackHole() as hole, \
                Keryx(t, COREFILE.format(port=hole.port, extra=extra), FILES, wait=False, prefix=PREFIX) as k:
            judge(t, k, extra and f", {extra}")
