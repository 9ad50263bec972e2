"""Keryx and the API server in two network namespaces; the router between them drops every packet for two
minutes. Needs root. With --quick: 40 seconds, still more than a dead connection takes to be noticed.

    keryx  10.99.1.1 -- 10.99.1.254  router  10.99.2.254 -- 10.99.2.1  API server

The API server is ours (api_server.py). Nobody is told that packets are dropped: no reset, no ICMP.
"""
import contextlib
import os
import socket
import time

import cluster
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import COREFILE, fill
from harness import check, equal, until
from keryx import Keryx
from model_dns import A, PTR, SRV, Asker
from namespace import Namespace, inside

CLIENT, SERVER = "10.99.1.1", "10.99.2.1"
SERVICES = 100
NXDOMAIN, NODATA = (3, set()), (0, set())


class Network:
    """The three namespaces. `flows(False)`: from now on what goes from one side to the other is lost."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.near, self.router, self.far = (stack.enter_context(Namespace([], "")) for _ in range(3))
            for side, number, address in ((self.near, 1, CLIENT), (self.far, 2, SERVER)):
                link = f"to{number}"
                self.router.run("ip", "link", "add", link, "type", "veth", "peer", "name", "out", "netns", side.name)
                for namespace, device, own in ((self.router, link, f"10.99.{number}.254"), (side, "out", address)):
                    namespace.run("ip", "address", "add", f"{own}/24", "dev", device)
                    namespace.run("ip", "link", "set", device, "up")
                side.run("ip", "route", "add", "default", "via", f"10.99.{number}.254")
            self.flows(True)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def flows(self, yes):
        self.router.run("sysctl", "-qw", f"net.ipv4.ip_forward={int(yes)}")


def silent(network, port):
    """Whether a connection attempt from keryx's side gets no answer at all."""
    def attempt():
        try:
            socket.create_connection((SERVER, port), 1.5).close()
        except TimeoutError:
            return True
        return False
    return inside(network.near, attempt)


def service_name(name):
    return f"{name}.prod.svc.cluster.local"


def fill_up(store):
    """What never changes; the questions about it with their answers."""
    fill(store)
    names = []
    for i in range(SERVICES):
        one, other = f"steady-{i}", f"pods-{i}"
        store.put("services", cluster.service(one, f"10.98.1.{i}"))
        store.put("services", cluster.service(other))
        store.put("endpointslices", cluster.endpoint_slice(f"{other}-1", other, [f"10.245.1.{i}"]))
        names += [((service_name(one), A), (0, {f"10.98.1.{i}"})),
                  ((f"{i}.1.98.10.in-addr.arpa", PTR), (0, {service_name(one)})),
                  ((service_name(other), A), (0, {f"10.245.1.{i}"}))]
    return names


# What changes: (question, answer before, answer after).
CHANGES = [
    ((service_name("created"), A), NXDOMAIN, (0, {"10.96.8.1"})),
    ((service_name("moving"), A), (0, {"10.96.7.1"}), (0, {"10.96.7.2"})),
    (("_new._tcp." + service_name("moving"), SRV), NXDOMAIN, (0, {(service_name("moving"), 81)})),
    ((service_name("deleted"), A), (0, {"10.96.8.2"}), NXDOMAIN),
    ((service_name("pods"), A), (0, {"10.244.7.1"}), (0, {"10.244.7.2", "10.244.7.3"})),
    (("late.svc.cluster.local", A), NXDOMAIN, NODATA),
]


def change(store, early):
    """One half of the changes soon after the drop, the other when the connections are long given up."""
    if early:
        store.put("services", cluster.service("created", "10.96.8.1"))
        store.put("endpointslices", cluster.endpoint_slice("pods-1", "pods", ["10.244.7.2", "10.244.7.3"]))
    else:
        store.put("services", cluster.service("moving", "10.96.7.2", ports=(("http", 80), ("new", 81))))
        store.delete("services", "prod", "deleted")
        store.put("namespaces", {"metadata": {"name": "late"}})


class Cut:
    """keryx, synced, and what is asked of it."""

    def __init__(self, t, network, server, store, k, names):
        self.t, self.network, self.server, self.store, self.k = t, network, server, store, k
        self.names = [*names, *((question, before) for question, before, _ in CHANGES)]
        self.asker = inside(network.near, lambda: Asker(k.address, k.port))

    def wrong(self, names):
        answers = self.asker.ask_all([question for question, _ in names])
        return [f"{question} is {got}, not {want}" for (question, want), got in zip(names, answers) if got != want]

    def ask_throughout(self, seconds):
        """Everything about ten times a second, while no packet passes."""
        started, asked, wrong, late = time.monotonic(), self.asker.asked, [], False
        change(self.store, early=True)
        while (passed := time.monotonic() - started) < seconds:
            wrong += self.wrong(self.names)
            if not late and passed > seconds * 0.8:
                late = True
                change(self.store, early=False)
            time.sleep(0.1)
        print(f"   partition: {seconds:g} s, {self.asker.asked - asked} questions, {len(wrong)} wrong answers",
              flush=True)
        check(not wrong, "; ".join(wrong[:3]))

    def heal(self):
        """Lets packets through; the seconds until the last change is seen, and no name missing meanwhile."""
        self.network.flows(True)
        started, missing = time.monotonic(), dict((question, after) for question, _, after in CHANGES)
        steady, wrong = self.names[:-len(CHANGES)], []
        while missing and time.monotonic() - started < 60 * self.t.slack:
            for question, want in list(missing.items()):
                if self.asker.ask(*question) == want:
                    del missing[question]
                    print(f"   partition: {time.monotonic() - started:.2f} s after healing: {question[0]}", flush=True)
            wrong += self.wrong(steady)
        taken = time.monotonic() - started
        check(not missing, f"never seen: {missing}; {self.k.output()}")
        check(not wrong, "; ".join(wrong[:3]))
        return taken


def partition(t, cut):
    seconds = 40 if t.quick else 120
    healed = False
    try:
        cut.network.flows(False)
        with t.case(f"packets are dropped for {seconds} s: every name is answered"):
            check(silent(cut.network, cut.server.port), "packets are not dropped without a word")
            cut.ask_throughout(seconds)
            check(any("10.99.2.1" in line for line in cut.k.lines), f"no word about it in the log: {cut.k.output()}")
        with t.case("healed: what changed meanwhile is seen within 5 s"):
            healed, taken = True, cut.heal()
            check(taken < 5 * t.slack, f"{taken:.1f} s")
    finally:
        if not healed:
            cut.network.flows(True)
    with t.case("healed: changes are seen at once"):
        cut.store.put("services", cluster.service("moving", "10.96.7.3"))
        until(lambda: cut.asker.ask(service_name("moving"), A) == (0, {"10.96.7.3"}), "a change", 2 * t.slack)
        equal(cut.wrong(cut.names[:-len(CHANGES)]), [], "wrong answers")


def run(t):
    with Network() as network, Certificates() as certificates:
        store = Store(endpoints=True)
        names = fill_up(store)
        store.put("services", cluster.service("deleted", "10.96.8.2"))
        server = Server(store, certificates, host=SERVER)
        inside(network.far, server.__enter__)
        try:
            # The certificate names loopback only.
            config = kubeconfig(server).replace("certificate-authority:",
                                                "tls-server-name: localhost, certificate-authority:")
            with Keryx(t, COREFILE % "kubeconfig kubeconfig", {"kubeconfig": config},
                       netns=network.near.name) as k:
                cut = Cut(t, network, server, store, k, names)
                until(lambda: not cut.wrong(cut.names), "the first right answers", 15 * t.slack)
                partition(t, cut)
        finally:
            server.__exit__()
