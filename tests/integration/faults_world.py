"""What the suites of faults share: questions asked all the while, and what the kernel says of a process."""
import contextlib
import dataclasses
import os
import pathlib
import resource
import select
import signal
import socket
import struct
import threading
import time
import urllib.request

import cluster
import model_dns
from harness import check, until
from scrape import Scrape, fetch
from steady_client import Steady

OBJECTS = {"objects.json": cluster.OBJECTS}
ADDRESS = "192.0.2.7"       # of every name below a zone()
LONG = os.environ.get("KERYX_LONG") == "yes"
LONGEST = 5.2               # seconds that a client may wait
TEXT = " ".join(['"' + "x" * 250 + '"'] * 4)
CLUSTER_RATE = 200
TICKS = os.sysconf("SC_CLK_TCK")


def zone(name, ttl=300):
    """A zone whose names all exist."""
    return (f"$ORIGIN {name}\n$TTL {ttl}\n@ IN SOA ns hostmaster 1 7200 600 86400 60\n@ IN NS ns\nns IN A {ADDRESS}\n"
            f"* IN A {ADDRESS}\n* IN TXT {TEXT}\n")


@dataclasses.dataclass
class Asked:
    at: float               # time.monotonic()
    took: float = None      # seconds; None: no reply yet
    rcode: int = None
    values: set = None

    def good(self):
        return (self.rcode, self.values) == (model_dns.NOERROR, {ADDRESS})


class Outside(threading.Thread):
    """Asks for another name below `name` each time, which no cache has. A reply is late when it has not come
    within LONGEST."""

    def __init__(self, address, port, name, rate=20):
        super().__init__(daemon=True)
        self.name, self.rate = name, rate
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((address, port))
        self.asked, self._done = [], threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join(2 * LONGEST)
        self.sock.close()

    def run(self):
        self._ask()
        ended = time.monotonic()  # what was asked just before has its time, too
        while time.monotonic() < ended + LONGEST and any(x.took is None for x in self.since(ended - LONGEST)):
            self._receive()

    def _ask(self):
        started = time.monotonic()
        while not self._done.is_set():
            if (time.monotonic() - started) * self.rate > len(self.asked):
                ident = len(self.asked) & 0xffff
                self.asked.append(Asked(time.monotonic()))
                with contextlib.suppress(OSError):
                    self.sock.send(struct.pack("!H", ident) +
                                   model_dns.query(f"n{len(self.asked)}.{self.name}", model_dns.A))
            self._receive()

    def _receive(self):
        while select.select([self.sock], [], [], 0.005)[0]:
            try:
                octets = self.sock.recv(4096)
            except OSError:
                return
            asked = self.asked[struct.unpack_from("!H", octets)[0]]
            asked.took = time.monotonic() - asked.at
            asked.rcode, asked.values = model_dns.parse(octets)

    def since(self, moment, until=float("inf")):
        return [x for x in list(self.asked) if moment <= x.at < until]

    def last_are_good(self, count=10):
        """Of those that were asked a second ago and before."""
        last = [x for x in list(self.asked) if x.at < time.monotonic() - 1][-count:]
        return len(last) == count and all(x.good() for x in last)

    def honest(self, t, asked=None):
        """Each was answered in time, as it is or with SERVFAIL; how many were SERVFAIL. Waits for the last."""
        asked = self.since(0) if asked is None else asked
        for x in asked:
            while x.took is None and time.monotonic() < x.at + LONGEST * t.slack:
                time.sleep(0.02)
        late = [x for x in asked if x.took is None or x.took > LONGEST * t.slack]
        check(not late, f"{len(late)} of {len(asked)} questions have no reply in {LONGEST} s: {late[:3]}")
        wrong = [x for x in asked if not x.good() and (x.rcode, x.values) != (model_dns.SERVFAIL, set())]
        check(not wrong, f"wrong answers: {wrong[:3]}")
        return sum(not x.good() for x in asked)


@contextlib.contextmanager
def cluster_names(t, k, slowest=2.0, netns=None, address=None, rate=CLUSTER_RATE):
    """Cluster names are asked for at a steady rate; every one has its answer, at once."""
    client = Steady(address or k.address, k.port, rate, [cluster.SERVICE, "db.prod.svc.cluster.local."], netns)
    with client:
        yield client
    result = client.result
    check(result["asked"] > 20, f"asked too little: {result}")
    check(result["answered"] == result["asked"] and not result["wrong"], f"cluster names: {result}")
    check(result["slowest"] < slowest * t.slack, f"cluster names: {result}")


class Probes(threading.Thread):
    """What the kubelet asks: /health and /ready, each a second at most."""

    def __init__(self, k, *paths):
        super().__init__(daemon=True)
        self.urls = [f"http://{k.http[path][0][0]}:{k.http[path][0][1]}{path}" for path in paths]
        self.count, self.failed, self._done = 0, [], threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._done.set()
        self.join(10)

    def run(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while not self._done.wait(0.05):
            for url in self.urls:
                self.count += 1
                try:
                    opener.open(url, timeout=1).close()
                except OSError as why:
                    self.failed.append(f"{url}: {why}")

    def unbroken(self):
        check(self.count > 5, f"{self.count} probes")
        check(not self.failed, f"{len(self.failed)} of {self.count} probes failed: {self.failed[:2]}")


def cpu_seconds(k):
    """That the process has used, all threads."""
    fields = pathlib.Path(f"/proc/{k.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def open_descriptors(k):
    return len(os.listdir(f"/proc/{k.process.pid}/fd"))


def virtual_memory(k):
    """Octets, as RLIMIT_AS counts them."""
    status = pathlib.Path(f"/proc/{k.process.pid}/status").read_text()
    return 1024 * int(status.partition("VmSize:")[2].split()[0])


def limit(k, what, soft):
    """Sets a soft limit of the running process; the one before."""
    before = resource.prlimit(k.process.pid, what)
    resource.prlimit(k.process.pid, what, (soft, before[1]))
    return before[0]


def family_of(pid):
    """The process and all below it."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(x for child in children for x in family_of(int(child)))]


def all_stopped(pid):
    """Each thread: the signal reaches one of them, which stops the others once it has a CPU."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


@contextlib.contextmanager
def stopped(pid):
    """SIGSTOP for it and its children, and SIGCONT afterwards: it is there, and does nothing."""
    family = family_of(pid)
    for one in family:
        os.kill(one, signal.SIGSTOP)
    try:
        until(lambda: all(map(all_stopped, family)), "every thread to stop", 10)
        yield
    finally:
        for one in family:
            os.kill(one, signal.SIGCONT)


def said(k, *words, after=0):
    """The log lines with all the words."""
    return [x for x in list(k.lines)[after:] if all(word in x for word in words)]


def metric(k, name, **labels):
    """The sum of the series that have these labels."""
    address, port = k.http["/metrics"][0]
    return Scrape(fetch(port, address)).sum(name, **labels)
