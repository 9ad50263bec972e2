"""A small cluster behind our API server, keryx in front of it, and a prober beside it.

`with World(t, certificates) as w:`; `w.store`, `w.server`, `w.k`. The names in namespace `stable` are
asked for all the while, and end() says which were ever wrong.
"""
import threading
import time

import cluster
from api_server import Server, kubeconfig
from api_store import Store
from harness import check, until
from keryx import Keryx
from model_dns import A, Asker

STABLE = [(("web.stable.svc.cluster.local", A), (0, {"10.97.0.1"})),
          (("db.stable.svc.cluster.local", A), (0, {"10.245.0.1", "10.245.0.2"})),
          (("1.0.97.10.in-addr.arpa", 12), (0, {"web.stable.svc.cluster.local"}))]
MOVING = "moving.prod.svc.cluster.local"
PODS = "pods.prod.svc.cluster.local"

COREFILE = """
. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        %s
    }
}
"""


def fill(store):
    for name in ("stable", "prod"):
        store.put("namespaces", {"metadata": {"name": name}, "spec": {}, "status": {"phase": "Active"}})
    store.put("services", cluster.service("web", "10.97.0.1", namespace="stable"))
    store.put("services", cluster.service("db", namespace="stable"))
    store.put("endpointslices", cluster.endpoint_slice("db-1", "db", ["10.245.0.1", "10.245.0.2"],
                                                       namespace="stable"))
    store.put("services", cluster.service("moving", "10.96.7.1"))
    store.put("services", cluster.service("pods"))
    store.put("endpointslices", cluster.endpoint_slice("pods-1", "pods", ["10.244.7.1"]))


def resident(keryx):
    """Octets of memory that the server holds."""
    with open(f"/proc/{keryx.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


class Prober(threading.Thread):
    """Asks for what never changes, from its first right answers on."""

    def __init__(self, keryx, questions=None):
        super().__init__(daemon=True)
        self.asker = Asker(keryx.address, keryx.port)
        self.questions = questions or STABLE
        self.wrong, self.rounds, self.stop = [], 0, threading.Event()

    def run(self):
        try:
            while not self.stop.wait(0.002):
                self._ask()
        except (AssertionError, OSError) as why:
            self.wrong.append(f"no reply: {why}")

    def _ask(self):
        answers = self.asker.ask_all([question for question, _ in self.questions])
        self.rounds += 1
        for (question, want), got in zip(self.questions, answers):
            if got != want and len(self.wrong) < 5:
                self.wrong.append(f"{question} was {got}, not {want}")

    def end(self):
        """What was ever wrong is a failure."""
        seen = self.rounds
        until(lambda: self.rounds > seen + 1 or not self.is_alive(), "the prober's next round")
        self.stop.set()
        self.join(10)
        check(not self.wrong, "a name was missing: " + "; ".join(self.wrong))


class World:
    """`settings`: fields of the server before keryx starts. `access`: how keryx is told of the server;
    it may hold {url} and {folder}. `synced`: waits for the first names, and probes from then on."""

    def __init__(self, t, certificates, options="resync 1h", access="kubeconfig kubeconfig", synced=True,
                 config=None, before=None, env=None, prefix=(), **settings):
        self.t, self.store = t, Store(endpoints=True)
        fill(self.store)
        self.server = Server(self.store, certificates)
        for name, value in settings.items():
            setattr(self.server, name, value)
        self.certificates, self.options, self.access = certificates, options, access
        self.synced, self.config, self.before, self.env = synced, config, before, env
        self.prober, self.number, self.prefix = None, 1, prefix

    def __enter__(self):
        self.server.__enter__()
        try:
            if self.before:
                self.before(self)
            access = self.access.format(url=self.server.url, folder=self.certificates.folder)
            config = self.config(self.server) if self.config else kubeconfig(self.server)
            self.k = Keryx(self.t, COREFILE % f"{access}\n        {self.options}", {"kubeconfig": config},
                           env=self.env, prefix=self.prefix)
            self.k.__enter__()
        except BaseException:
            self.server.__exit__()
            raise
        self.asker = Asker(self.k.address, self.k.port)
        if self.synced:
            self.answers(MOVING, {"10.96.7.1"}, 15)
            self.probe()
        return self

    def __exit__(self, *_):
        try:
            if self.prober:
                self.prober.stop.set()
                self.prober.join(10)
            self.k.__exit__()
        finally:
            self.server.__exit__()

    def probe(self):
        self.prober = Prober(self.k)
        self.prober.start()

    def answers(self, qname, want, seconds=10.0, qtype=A):
        """Waits until the name has these addresses; None: until it does not exist."""
        want = (3, set()) if want is None else (0, set(want))
        try:
            until(lambda: self.asker.ask(qname, qtype) == want, f"{qname}", seconds * self.t.slack, 0.002)
        except AssertionError:
            got = self.asker.ask(qname, qtype)
            raise AssertionError(f"after {seconds:g} s {qname} is {got}, not {want}; "
                                 f"log: {self.k.output()}") from None

    def put(self, number, told=True):
        """Gives `moving` and the pod of `pods` addresses that end in `number`."""
        self.number = number
        self.store.put("services", cluster.service("moving", f"10.96.7.{number}"), told)
        pods = cluster.endpoint_slice("pods-1", "pods", [f"10.244.7.{number}"])
        self.store.put("endpointslices", pods, told)

    def seen(self, seconds=10.0):
        """Waits until what put() wrote last is answered; how long that took."""
        started = time.monotonic()
        self.answers(MOVING, {f"10.96.7.{self.number}"}, seconds)
        self.answers(PODS, {f"10.244.7.{self.number}"}, seconds)
        return time.monotonic() - started

    def moves(self, seconds=10.0):
        """A change comes through; how long it took."""
        self.put(self.number % 200 + 1)
        return self.seen(seconds)

    def said(self, *words):
        """The log lines that hold all the words, whatever their case."""
        return [x for x in list(self.k.lines) if all(word.lower() in x.lower() for word in words)]

    def says(self, *words, seconds=10.0):
        try:
            return until(lambda: self.said(*words), f"a message with {words}", seconds * self.t.slack)
        except AssertionError:
            raise AssertionError(f"no message with {words}: {self.k.output()}") from None

    def unbroken(self):
        """The stable names were never wrong; probing goes on anew."""
        ended = self.prober
        self.probe()
        ended.end()

    def resident(self):
        return resident(self.k)
