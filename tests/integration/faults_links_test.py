"""What goes wrong on the way: interfaces that go and come back, packets that are lost, a flood of garbage.

Three network namespaces in a row, as in partition_test: keryx, a router, and clients with an upstream. Needs root.
"""
import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import struct
import time

import cluster
import model_dns
import wire
from api_world import resident
from blackhole_test import PREFIX
from faults_world import (ADDRESS, LONG, OBJECTS, cluster_names, cpu_seconds, metric, said, zone)
from harness import Skip, check, equal, until
from keryx import Keryx
from model_dns import A, NOERROR, NXDOMAIN, SERVFAIL
from namespace import inside
from nsd import Nsd
from partition_test import CLIENT as KERYX, SERVER as FAR, Network

OTHER = "10.99.1.2"     # which the interface gets in the end
COREFILE = """
. {{
    {bind}
    errors
    prometheus 127.0.0.1:0
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward example.org {far}:{port}
}}
"""
WEB = (cluster.SERVICE.rstrip("."), A), (NOERROR, {"10.96.1.1"})


def asker(network):
    return inside(network.far, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))


# Interfaces

class Sides:
    """The same server twice in the namespace: one binds the interface, one all addresses."""

    def __init__(self, t, network, bound, wild):
        self.t, self.network, self.bound, self.wild = t, network, bound, wild

    def serve(self, address=KERYX, seconds=10):
        """Both answer at this address, over UDP and TCP, and forward."""
        for k, what in ((self.bound, "bind out"), (self.wild, "no bind")):
            for ask in (wire.ask_udp, wire.ask_tcp):
                until(lambda k=k, ask=ask: self._ask(k, address, ask, cluster.SERVICE) == ["10.96.1.1"],
                      f"{what}: {ask.__name__} at {address}; {k.output()}", seconds * self.t.slack)
            until(lambda k=k: self._ask(k, address, wire.ask_udp, "some.example.org.") == [ADDRESS],
                  f"{what}: a forwarded name; {k.output()}", seconds * self.t.slack)

    def _ask(self, k, address, ask, name):
        try:
            reply = inside(self.network.far, lambda: ask(address, k.port, wire.query(name), 0.5))
        except OSError:
            return None
        return reply and wire.parse(reply).addresses()


def link_up(network):
    network.near.run("ip", "link", "set", "out", "up")
    network.near.run("ip", "route", "replace", "default", "via", "10.99.1.254")


def down_and_up(network):
    network.near.run("ip", "link", "set", "out", "down")
    yield
    link_up(network)


def address_goes(network):
    network.near.run("ip", "address", "del", f"{KERYX}/24", "dev", "out")
    yield
    network.near.run("ip", "address", "add", f"{KERYX}/24", "dev", "out")
    link_up(network)


def made_anew(network, address=KERYX):
    network.router.run("ip", "link", "del", "to1")
    yield
    network.router.run("ip", "link", "add", "to1", "type", "veth", "peer", "name", "out", "netns", network.near.name)
    network.router.run("ip", "address", "add", "10.99.1.254/24", "dev", "to1")
    network.router.run("ip", "link", "set", "to1", "up")
    network.near.run("ip", "address", "add", f"{address}/24", "dev", "out")
    link_up(network)


def interface(t, network, sides, name, fault):
    """While it is gone, who asks on the same host is answered; when it is back, everybody."""
    with t.case(f"the interface {name}: loopback is answered all the while, both `bind out` and no bind afterwards"), \
            cluster_names(t, sides.wild, netns=network.near.name):
        used, started = cpu_seconds(sides.wild) + cpu_seconds(sides.bound), time.monotonic()
        steps = fault(network)
        next(steps)
        time.sleep(1)       # of its being away
        for _ in steps:
            pass
        sides.serve()
        used = cpu_seconds(sides.wild) + cpu_seconds(sides.bound) - used
        check(used < 0.5 * (time.monotonic() - started) * t.slack, f"{used:.1f} s of CPU")


def another_address(t, network, sides):
    with t.case("the interface loses its address: a reload is refused and says so; with another one, SIGUSR1 serves it"):
        steps = made_anew(network, OTHER)
        next(steps)
        sides.bound.process.send_signal(signal.SIGUSR1)
        until(lambda: said(sides.bound, "reload failed"), f"a refusal; {sides.bound.output()}", 10 * t.slack)
        for _ in steps:
            pass
        sides.bound.process.send_signal(signal.SIGUSR1)
        until(lambda: said(sides.bound, "Reloading complete"), f"the reload; {sides.bound.output()}", 10 * t.slack)
        sides.serve(OTHER)


def interfaces(t, network, nsd):
    texts = [COREFILE.format(bind=bind, far=FAR, port=nsd.port) for bind in ("bind out", "")]
    with contextlib.ExitStack() as stack:
        bound, wild = (stack.enter_context(Keryx(t, text, OBJECTS, netns=network.near.name)) for text in texts)
        sides = Sides(t, network, bound, wild)
        sides.serve()
        interface(t, network, sides, "goes down and up", down_and_up)
        interface(t, network, sides, "loses its address and gets it again", address_goes)
        interface(t, network, sides, "is deleted and made anew", made_anew)
        another_address(t, network, sides)


# Loss

LOSS, ROUNDS, NAMES = 0.1, 10, 300


def resolve(sock, server, questions, patience):
    """As stub resolvers do, all at once: what has no answer is asked again. ({question: answer}, rounds, SERVFAILs)"""
    answers, failures = {}, 0
    for attempt in range(ROUNDS):
        missing = [q for q in questions if q not in answers]
        if not missing:
            return answers, attempt, failures
        waiting = {}
        for ident, question in enumerate(missing):
            sock.sendto(struct.pack("!H", attempt << 12 | ident) + model_dns.query(*question), server)
            waiting[attempt << 12 | ident] = question
        ends = time.monotonic() + patience
        while waiting and time.monotonic() < ends:
            sock.settimeout(max(ends - time.monotonic(), 0.001))
            with contextlib.suppress(TimeoutError):
                octets = sock.recv(4096)
                question = waiting.pop(struct.unpack_from("!H", octets)[0], None)
                answer = model_dns.parse(octets)
                if question and answer[0] == SERVFAIL:
                    failures += 1
                elif question:
                    answers[question] = answer
    return answers, ROUNDS, failures


@contextlib.contextmanager
def lossy(network):
    """The router drops packets at random, of both directions."""
    drop = ["FORWARD", "-m", "statistic", "--mode", "random", "--probability", str(LOSS), "-j", "DROP"]
    if not shutil.which("iptables"):
        raise Skip("iptables is not installed")
    made = network.router.run("iptables", "-w", "-A", *drop, ok=False)
    if made.returncode:
        raise Skip(f"no packets can be dropped at random here: {made.stderr.strip()}")
    try:
        yield
    finally:
        network.router.run("iptables", "-w", "-D", *drop)


def loss(t, network, k):
    absent = [(f"{i}.prod.svc.cluster.local", A) for i in range(NAMES - 1)]
    for what, wanted, patience in (
            ("cluster names", dict.fromkeys(absent, (NXDOMAIN, set())) | dict([WEB]), 0.5),
            ("forwarded names", {(f"l{i}.example.org", A): (NOERROR, {ADDRESS}) for i in range(NAMES)}, 5.5)):
        with t.case(f"{LOSS:.0%} of packets lost each way: clients that ask again get all {what}, none wrong"), \
                lossy(network), asker(network) as sock:
            answers, rounds, failures = resolve(sock, (KERYX, k.port), list(wanted), patience * t.slack)
            print(f"   loss: {NAMES} {what} in {rounds} rounds, {failures} SERVFAIL", flush=True)
            equal(answers, wanted, "answers")
            # Both tries of an upstream are lost for one in 28.
            check(failures < NAMES * 0.15, f"{failures} SERVFAIL")


# A flood

GARBAGE = 375_000_000 if not LONG else 3_750_000_000    # octets; a second has 125 million
PER_SECOND, SIZE, AT_ONCE = 125_000_000, 1200, 40
UDP_SEGMENT = 103       # udp(7): one send, many datagrams


def segments():
    """Random octets, and headers of queries with something broken behind."""
    heads = [wire.header(1, wire.RD), wire.header(2, wire.RD, qd=9), wire.header(3, 0, ar=3), wire.header(4, 0x2800),
             wire.query(cluster.SERVICE)[:-1], wire.header(5, wire.RD) + b"\xc0\x0c", wire.query(cluster.SERVICE, edns=b"\0")]
    return [(heads[i // 2 % len(heads)] if i % 2 else b"") + os.urandom(SIZE) for i in range(AT_ONCE)]


def flood(sock, to, total, sent):
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
    bursts = [b"".join(x[:SIZE] for x in segments()) for _ in range(32)]
    started, octets, turn = time.monotonic(), 0, 0
    while octets < total:
        while octets > (time.monotonic() - started) * PER_SECOND:
            time.sleep(0.0005)
        with contextlib.suppress(OSError):
            octets += sock.sendto(bursts[turn % len(bursts)], to)
        turn += 1
    sent.value = time.monotonic() - started


class Client:
    """Asks one question after the other, each once more if there is no reply."""

    def __init__(self, sock, server):
        self.sock, self.server = sock, server
        self.asked = self.again = self.lost = 0

    def ask(self):
        self.asked += 1
        for patience in (0.5, 1.0):
            ident = struct.pack("!H", self.asked & 0xffff)
            self.sock.sendto(ident + model_dns.query(*WEB[0]), self.server)
            ends = time.monotonic() + patience
            while (left := ends - time.monotonic()) > 0:
                self.sock.settimeout(left)
                with contextlib.suppress(TimeoutError):
                    octets = self.sock.recv(4096)
                    if octets[:2] == ident:
                        equal(model_dns.parse(octets), WEB[1])
                        return
            self.again += 1
        self.lost += 1


def garbage(t, network, k):
    total = GARBAGE if t.slack == 1 else GARBAGE // 10
    with t.case(f"{total * 8 / 1e9:g} Gbit of garbage: a client with one retry gets all, what came is counted, memory is flat"), \
            asker(network) as sock, asker(network) as hostile:
        client, seconds = Client(sock, (KERYX, k.port)), multiprocessing.Value("d", 0)
        counters = ("keryx_malformed_packets_total", "keryx_dropped_packets_total", "keryx_udp_overflows_total")

        def counted():
            return inside(network.near, lambda: [metric(k, x) for x in counters])
        before, memory = counted(), resident(k)
        attacker = multiprocessing.Process(target=flood, args=(hostile, (KERYX, k.port), total, seconds), daemon=True)
        attacker.start()
        try:
            while attacker.is_alive():
                client.ask()
                time.sleep(0.002)
        finally:
            attacker.kill()
            attacker.join()
        time.sleep(0.3)     # until the counters have been gathered
        counts = [now - then for now, then in zip(counted(), before)]
        grown, packets = resident(k) - memory, total // SIZE
        print(f"   flood: {packets} packets, {total * 8 / 1e9 / max(seconds.value, 0.001):.2f} Gbit/s; counted "
              f"{', '.join(f'{n:.0f} {x[6:-6]}' for n, x in zip(counts, counters))}; the client asked {client.asked}, "
              f"{client.again} again; memory {grown / 2**20:+.1f} MiB", flush=True)
        check(client.asked > 10, f"asked {client.asked} times")
        check(client.lost <= client.asked * 0.005, f"{client.lost} of {client.asked} lost")
        check(sum(counts) > packets * 0.5, f"{counts} of {packets}")
        check(grown < 16 << 20, f"{grown} octets more")


def run(t):
    with Network() as network, Nsd({"example.org": zone("example.org.")}, FAR, netns=network.far.name) as nsd:
        with Keryx(t, COREFILE.format(bind=f"bind {KERYX}", far=FAR, port=nsd.port), OBJECTS,
                   netns=network.near.name, prefix=PREFIX) as k:
            until(lambda: k.http, "HTTP", 10)
            loss(t, network, k)
            garbage(t, network, k)
        interfaces(t, network, nsd)
