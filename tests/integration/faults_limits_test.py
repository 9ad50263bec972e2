"""Limits of the kernel that are reached while clients ask: descriptors, send buffers, memory.

Nothing is mocked: the limits of the running process are lowered (prlimit(2)), and sockets of it get small buffers.
"""
import contextlib
import ctypes
import functools
import os
import pathlib
import resource
import select
import signal
import socket
import time

import cluster
import partition_test
import wire
from faults_world import (ADDRESS, OBJECTS, Outside, Probes, cluster_names, cpu_seconds, limit, metric, open_descriptors,
                          said, virtual_memory, zone)
from harness import Skip, check, equal, until
from keryx import Keryx
from memory_test import limited
from model_dns import A, Asker
from namespace import inside
from nsd import Nsd

COREFILE = """
. {{
    bind 127.0.0.1
    errors
    health 127.0.0.1:0
    ready 127.0.0.1:0
    prometheus 127.0.0.1:0
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward example.org 127.0.0.1:{nsd}
    forward hole.test 127.0.0.1:{hole}
}}
"""
DESCRIPTORS = 256
CLIENTS_AT_MOST = DESCRIPTORS * 3 // 4     # the rest is for probes and upstreams
OTHERS = 24             # that the process has open besides
CACHING = """
. {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    kubernetes cluster.local {{
        manifests objects.json
    }}
    cache 300 {{
        success 4000
    }}
    forward . 127.0.0.1:{nsd}
}}
"""
SERVED = """
. {{
    bind {address}
    health 127.0.0.1:0
    ready 127.0.0.1:0
    prometheus 127.0.0.1:0
    kubernetes cluster.local {{
        manifests objects.json
    }}
}}
"""
ENTRIES, MEMORY = 4000, 16 << 20
TEXT, WINDOW, EDNS = 1000, 50, wire.opt(1232)
CONNECTIONS, CLIENTS = 2000, 16
WATCHED = 2.0   # seconds
CROWDS = {"idle clients": b"", "clients in the middle of a query": b"\0\x20half",
          "clients that wait for an upstream": wire.frame(wire.query("a.hole.test."))}


class Crowd:
    """TCP connections from several addresses; each sends `octets` and then nothing."""

    def __init__(self, k, octets):
        self.k, self.octets, self.socks = k, octets, []
        self.poll = select.epoll()

    def __enter__(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * CONNECTIONS)), hard))
        for i in range(CONNECTIONS):
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((f"127.0.1.{i % CLIENTS + 1}", 0))
            with contextlib.suppress(BlockingIOError):
                sock.connect((self.k.address, self.k.port))
            self.socks.append(sock)
            if i % 100 == 99:   # the backlog is no part of this
                time.sleep(0.01)
        for sock in self.socks:
            with contextlib.suppress(OSError):
                sock.send(self.octets)
        return self

    def __exit__(self, *_):
        for sock in self.socks:
            sock.close()


def crowded(t, k, what, octets):
    """While the crowd is there, names, probes and forwards go on, and nothing spins."""
    with t.case(f"{CONNECTIONS} TCP connections of {what}, {DESCRIPTORS} descriptors: "
                "names, probes and forwards go on, and the CPU is idle"):
        before = limit(k, resource.RLIMIT_NOFILE, DESCRIPTORS)
        try:
            with Outside(k.address, k.port, "example.org") as outside, Probes(k, "/health", "/ready") as probes, \
                    cluster_names(t, k), Crowd(k, octets):
                started, used = time.monotonic(), cpu_seconds(k)
                time.sleep(WATCHED)  # what is looked at is how it is for so long
                used = (cpu_seconds(k) - used) / (time.monotonic() - started)
                check(open_descriptors(k) <= CLIENTS_AT_MOST + OTHERS, f"{open_descriptors(k)} descriptors")
                until(outside.last_are_good, "good answers", 10 * t.slack)
            print(f"   {what}: {used:.0%} of a CPU", flush=True)
            probes.unbroken()
            equal(outside.honest(t), 0, "forwards that failed")
            check(used < 0.5 * t.slack, f"{used:.0%} of a CPU")
        finally:
            limit(k, resource.RLIMIT_NOFILE, before)
        until(lambda: open_descriptors(k) < DESCRIPTORS / 2, "the connections' end", 20 * t.slack)
        equal(k.tcp(cluster.SERVICE).addresses(), ["10.96.1.1"])


def sanitized(k):
    return virtual_memory(k) > 1 << 40


def none_left(t, k):
    with t.case("no descriptor left at all: cluster names go on, forwards are SERVFAIL, then all is as before"):
        if sanitized(k):
            raise Skip("a sanitizer wants some for itself")
        with cluster_names(t, k), Outside(k.address, k.port, "example.org") as outside:
            until(outside.last_are_good, "good answers", 5 * t.slack)
            before = limit(k, resource.RLIMIT_NOFILE, 4)
            try:
                with Crowd(k, wire.frame(wire.query(cluster.SERVICE))):
                    used, lowered = cpu_seconds(k), time.monotonic()
                    until(lambda: sum(x.rcode == wire.SERVFAIL for x in outside.asked) > 20, "SERVFAIL", 5 * t.slack)
                    used = (cpu_seconds(k) - used) / (time.monotonic() - lowered)
            finally:
                limit(k, resource.RLIMIT_NOFILE, before)
            until(outside.last_are_good, "good answers again", 10 * t.slack)
            print(f"   none left: {outside.honest(t)} of {len(outside.asked)} forwards failed, {used:.0%} of a CPU",
                  flush=True)
        check(used < 0.5 * t.slack, f"{used:.0%} of a CPU")
        equal(k.tcp(cluster.SERVICE).addresses(), ["10.96.1.1"])


# Memory

def ask_many(k, names):
    """TXT records of some 1,000 octets each; how many had one."""
    good = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((k.address, k.port))
        sock.settimeout(3)
        for first in range(0, len(names), WINDOW):
            window = names[first:first + WINDOW]
            for ident, name in enumerate(window):
                sock.send(wire.query(name, "TXT", ident=ident, edns=EDNS))
            with contextlib.suppress(TimeoutError):
                for _ in window:
                    reply = sock.recv(4096)
                    good += reply[3] & 15 == 0 and len(reply) > TEXT
    return good


def full_cache(t, nsd):
    with t.case(f"four times what the cache may hold, in {MEMORY >> 20} MiB: every name is answered, and it is not killed"):
        if t.slack > 1:
            raise Skip("a sanitizer's memory is its own")
        corefile = CACHING.format(nsd=nsd.port)
        with limited(MEMORY) as group, Keryx(t, corefile, OBJECTS, prefix=group.prefix) as k:
            until(lambda: k.http, "HTTP", 10)
            names = [f"m{i}.example.org." for i in range(4 * ENTRIES)]
            with cluster_names(t, k):
                answered = ask_many(k, names)
            print(f"   cache: {answered} of {len(names)} answered, memory at most {group.peak() / 2**20:.1f} MiB", flush=True)
            check(answered > len(names) * 0.99, f"{answered} of {len(names)} answered")
            check(metric(k, "coredns_cache_evictions_total") > ENTRIES, "nothing had to make room")
            check(group.peak() < MEMORY, f"{group.peak()} octets")


# Send buffers

CLIENT_BURST = 3000
LIBC = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438   # pidfd_getfd(2)


@contextlib.contextmanager
def sockets_of(k, kind):
    """The sockets of the running process of that kind: ours as well, meanwhile."""
    with os.fdopen(os.pidfd_open(k.process.pid)) as process, contextlib.ExitStack() as stack:
        found = []
        for link in pathlib.Path(f"/proc/{k.process.pid}/fd").iterdir():
            if os.readlink(link).startswith("socket:"):
                fd = LIBC.syscall(PIDFD_GETFD, process.fileno(), int(link.name), 0)
                if fd < 0:
                    raise Skip(f"no pidfd_getfd here: {os.strerror(ctypes.get_errno())}")
                sock = stack.enter_context(socket.socket(fileno=fd))
                if sock.type & 0xf == kind:
                    found.append(sock)
        yield found


def small_buffers(t):
    with t.case("send buffers of 4 KiB before a link of 256 kbit/s: replies are lost and counted, nothing stalls; "
                "then every name is answered"), partition_test.Network() as network:
        text = SERVED.format(address=partition_test.CLIENT)
        with Keryx(t, text, OBJECTS, netns=network.near.name) as k:
            until(lambda: k.http, "HTTP", 10)
            near = functools.partial(partition_test.inside, network.near)
            far = inside(network.far, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            probes = near(lambda: Probes(k, "/health", "/ready").__enter__())  # its thread stays there
            with far, contextlib.closing(probes):
                with sockets_of(k, socket.SOCK_DGRAM) as ours:
                    check(ours, "no sockets")
                    for sock in ours:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)     # the least there is
                network.near.run("tc", "qdisc", "add", "dev", "out", "root", "tbf", "rate", "256kbit", "burst", "2k",
                                 "limit", "1m")
                used = cpu_seconds(k)
                for i in range(CLIENT_BURST):
                    far.sendto(wire.query(cluster.SERVICE, ident=i), (k.address, k.port))
                unsent = until(lambda: near(lambda: metric(k, "keryx_unsent_replies_total")), "replies that are lost",
                               10 * t.slack)
                equal(near(lambda: k.tcp(cluster.SERVICE)).addresses(), ["10.96.1.1"], "TCP, on another way")
                used = cpu_seconds(k) - used
                network.near.run("tc", "qdisc", "del", "dev", "out", "root")
                asker = inside(network.far, lambda: Asker(k.address, k.port))
                for _ in range(20):
                    equal(asker.ask(cluster.SERVICE.rstrip("."), A), (0, {"10.96.1.1"}))
                until(lambda: probes.count > 10, "probes", 20 * t.slack)
            probes.unbroken()
            print(f"   send buffers: {unsent:.0f} of {CLIENT_BURST} replies lost, {used:.2f} s of a CPU", flush=True)
            check(used < 1 * t.slack, f"{used} s of a CPU")


def no_memory(t, nsd):
    with t.case("no memory beyond what is held, 2000 TCP connections: cluster names go on, what is more is refused, and a "
                "reload waits; then all is as before"), \
            Keryx(t, CACHING.format(nsd=nsd.port), OBJECTS, args=("-dns.port", "0", "-workers", "2")) as k:
        until(lambda: k.http, "HTTP", 10)
        if sanitized(k):
            raise Skip("a sanitizer's allocator ends the process")
        corefile = k.folder / "Corefile"
        before = limit(k, resource.RLIMIT_AS, virtual_memory(k))
        with cluster_names(t, k):
            with Crowd(k, wire.frame(wire.query(cluster.SERVICE))):
                until(lambda: said(k, "no memory is left"), "a line", 10 * t.slack)
                equal(k.udp("a.example.org.").rcode, wire.REFUSED, "a forward")
                corefile.write_text(corefile.read_text().replace("cache 300", "cache 299"))
                k.process.send_signal(signal.SIGUSR1)
            limit(k, resource.RLIMIT_AS, before)
            until(lambda: said(k, "Reloading complete"), "the reload", 10 * t.slack)
            check(said(k, "there is memory again"), k.lines)
            equal(k.udp("b.example.org.").addresses(), [ADDRESS])
            equal(k.tcp(cluster.SERVICE).addresses(), ["10.96.1.1"])


def run(t):
    with Nsd({"example.org": zone("example.org.")}) as nsd, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        with Keryx(t, COREFILE.format(nsd=nsd.port, hole=hole.getsockname()[1]), OBJECTS,
                   args=("-dns.port", "0", "-workers", "2")) as k:
            until(lambda: len(k.http) == 3, "HTTP", 10)
            for what, octets in CROWDS.items():
                crowded(t, k, what, octets)
            none_left(t, k)
        full_cache(t, nsd)
        no_memory(t, nsd)
    small_buffers(t)
