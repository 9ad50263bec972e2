"""A long random walk: the cluster changes, connections and servers fail, and DNS tells the truth after
each step.

The walk is repeated by KERYX_SEED and KERYX_STEPS; `model_test.py BINARY [SEED [STEPS]]` runs it alone.
The API server is ours (api_server.py) with a bookmark every 0.3 s, keryx resyncs every 2 s. Names in
namespace `stable` are never touched; another thread asks for them all the while, and no answer to it
may ever differ. Under sanitizers (slack) there are fewer steps.
"""
import os
import pathlib
import random
import sys
import threading
import time

import cluster
import model_faults
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import Prober, resident
from harness import Report, check
from keryx import Keryx
from model_cluster import slice_object
from model_dns import Asker
from model_steps import Steps, Touched

STEPS = 20_000
RESYNC = 2.0
EVERYTHING_EVERY = 300   # steps
QUICK_EVERY = 60
STORM_EVERY = 600        # at least: each slow fault has its turn, however few the steps
COREFILE = """
. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig kubeconfig
        resync 2s
    }
}
"""


class Model:
    """One run: the world, the server under test, and where we are."""

    def __init__(self, t, store, server, keryx, seed):
        self.t, self.store, self.server, self.keryx = t, store, server, keryx
        self.random = random.Random(seed)
        self.steps = Steps(store, self.random)
        self.asker = Asker(keryx.address, keryx.port)
        self.pending, self.at, self.doing = Touched(), 0, []
        self.baseline, self.marks = [], 0

    def change(self, count):
        """Steps that are checked with the next settle()."""
        for _ in range(count):
            self.pending.add(self.steps.step())
            self.at += 1

    def untold(self, act):
        self.steps.told = False
        try:
            act()
        finally:
            self.steps.told = True

    def wait(self, seconds):
        """What a fault needs of time, not what a test waits for."""
        threading.Event().wait(seconds)

    def differences(self, questions):
        answers = self.asker.ask_all([question for question, _ in questions])
        return [(question, want, got) for (question, want), got in zip(questions, answers) if got != want]

    def settle(self, seconds, questions=None):
        """Until what was touched is answered as it should be; how long that took."""
        questions = self.steps.questions(self.pending) if questions is None else questions
        started = time.monotonic()
        deadline = started + seconds * self.t.slack
        while True:
            wrong = self.differences(questions)
            if not wrong:
                break
            self._untouched_are_right()
            if time.monotonic() > deadline:
                self._fail(f"after {seconds:g} s", wrong)
            time.sleep(0.0005)
            questions = [(question, want) for question, want, _ in wrong]
        self.pending, self.doing = Touched(), []
        return time.monotonic() - started

    def hears_again(self, seconds):
        """Until a change of each resource arrives, all of it quiet: a name can be right before the watch
        that a fault broke is back, and only with the watch is the next change due in a moment."""
        self.marks += 1
        address, target = f"10.246.0.{self.marks % 250}", f"{self.marks}.example.net"
        there = self.store.get("namespaces", "", "mark") is None
        if there:
            self.store.put("namespaces", {"metadata": {"name": "mark"}})
        else:
            self.store.delete("namespaces", "", "mark")
        self.store.put("services", cluster.external("mark", target, namespace="stable"))
        self.store.put("endpointslices", cluster.endpoint_slice("db-3", "db3", [address], namespace="stable"))
        base = "svc.cluster.local"
        self.doing.append("a mark")
        return self.settle(seconds, [((f"mark.{base}", 1), (0 if there else 3, set())),
                                     ((f"mark.stable.{base}", 5), (0, {target})),
                                     ((f"db3.stable.{base}", 1), (0, {address}))])

    def _untouched_are_right(self):
        """While something is amiss: names of Services that nothing touched since are as they were."""
        if self.baseline:
            bases = tuple(f"{name}.{ns}.svc.cluster.local" for ns, name in self.pending.keys)
            sample = [x for x in self.random.sample(self.baseline, min(40, len(self.baseline)))
                      if not x[0][0].endswith(bases)]
            wrong = self.differences(sample)
            if wrong:
                self._fail("although nothing touched it", wrong)

    def _fail(self, why, wrong):
        shown = "; ".join(f"{question} is {got}, not {want}" for question, want, got in wrong[:4])
        raise AssertionError(f"step {self.at} ({', '.join(self.doing) or 'a change'}), {why}: {len(wrong)} "
                             f"names differ: {shown}; log: {self.keryx.output()}")

    def fault(self, act):
        self.doing.append(act.__name__)
        act(self)

    def services_now(self):
        """What _untouched_are_right() draws from."""
        names = Touched()
        names.keys = set(self.steps.truth.services)
        self.baseline = [x for x in self.steps.questions(names) if x[0][1] != 12]


def walk(model, steps):
    """`steps` steps, with faults between them. Returns the seconds that each storm took to settle."""
    took, bag, last_everything, last_storm = [], [], 0, 0
    storm_every = min(STORM_EVERY, steps // len(model_faults.SLOW))
    while model.at < steps:
        model.change(1)
        if model.random.randrange(QUICK_EVERY) == 0:
            model.services_now()
            model.fault(model.random.choice(model_faults.QUICK))
            model.settle(10)
            model.baseline = []
            model.hears_again(10)
        else:
            model.settle(5)
        if model.at - last_storm >= storm_every:
            last_storm = model.at
            bag = bag or model.random.sample(model_faults.SLOW, len(model_faults.SLOW))
            took.append(storm(model, bag))
        if model.at - last_everything >= EVERYTHING_EVERY:
            last_everything = model.at
            model.settle(5, model.steps.everything())
    model.settle(5, model.steps.everything())
    return took


def storm(model, bag):
    """One to three slow faults at once; what is left when the dust settles is the truth."""
    model.services_now()
    faults = [bag.pop() for _ in range(min(len(bag), model.random.choice([1, 2, 2, 3])))]
    for fault in faults:
        model.fault(fault)
        model.change(3)
    names = [fault.__name__ for fault in faults]
    seconds = model.settle(3 * RESYNC if names == ["lost"] else 45)
    model.doing, model.baseline = names, []  # what was touched has settled, and is no longer as before
    seconds += model.settle(3 * RESYNC, model.steps.everything())
    seconds += model.hears_again(45)
    model.server.faults.clear()
    return seconds, "+".join(names)


def stable_objects(store):
    """In a namespace of their own; what must be answered of them, always."""
    store.put("namespaces", {"metadata": {"name": "stable"}})
    store.put("services", cluster.service("web", "10.97.0.1", namespace="stable"))
    store.put("services", cluster.service("db", namespace="stable"))
    store.put("services", cluster.service("db3", namespace="stable"))
    store.put("services", cluster.external("alias", "www.example.net", namespace="stable"))
    store.put("endpointslices", cluster.endpoint_slice("db-1", "db", ["10.245.0.1", "10.245.0.2"],
                                                       namespace="stable"))
    store.put("endpointslices", slice_object("stable", "db", "db-2", "IPv6", [
        {"addresses": ["fd00:245::1"], "conditions": {"ready": True}, "hostname": "six"}], [("http", 8080)]))
    base = "stable.svc.cluster.local"
    return [(("web." + base, 1), (0, {"10.97.0.1"})), (("db." + base, 1), (0, {"10.245.0.1", "10.245.0.2"})),
            (("db." + base, 28), (0, {"fd00:245::1"})), (("six.db." + base, 28), (0, {"fd00:245::1"})),
            (("alias." + base, 5), (0, {"www.example.net"})),
            (("_http._tcp.web." + base, 33), (0, {("web." + base, 80)})),
            (("2.0.245.10.in-addr.arpa", 12), (0, {"10-245-0-2.db." + base})),
            (("1.0.97.10.in-addr.arpa", 12), (0, {"web." + base})), ((base, 1), (0, set()))]


def run(t):
    seed = int(os.environ.get("KERYX_SEED") or random.SystemRandom().randrange(1 << 32))
    steps = int(os.environ.get("KERYX_STEPS") or max(1500, int(STEPS / t.slack)))
    print(f"   model: KERYX_SEED={seed} KERYX_STEPS={steps}", flush=True)
    store = Store()
    stable = stable_objects(store)
    with Certificates() as certificates, Server(store, certificates) as server:
        server.bookmark_every = 0.3
        with Keryx(t, COREFILE, {"kubeconfig": kubeconfig(server)}) as k:
            one_run(t, Model(t, store, server, k, seed), stable, seed, steps)


def one_run(t, model, stable, seed, steps):
    with t.case("the first list is answered"):
        model.settle(10, model.steps.everything() + stable)
    prober = Prober(model.keryx, stable)
    prober.start()
    took, started, first = [], time.monotonic(), resident(model.keryx)
    with t.case(f"{steps} random steps, each answered as the truth is (seed {seed})"):
        took = walk(model, steps)
        check(model.at >= steps, "it stopped early")
    with t.case("names that nothing touched were never missing"):
        prober.end()
    with t.case("memory does not grow with the steps"):
        grown = (resident(model.keryx) - first) / 1e6
        check(grown < 16 or t.slack > 1, f"{first / 1e6:.1f} MB at first, {grown:.1f} MB more at the end")
    lists, watches = len(model.server.seen(verb="list")), len(model.server.seen(verb="watch"))
    print(f"   model: {model.at} steps in {time.monotonic() - started:.0f} s, {model.asker.asked} questions, "
          f"{len(took)} storms, {grown:.1f} MB more, {lists} lists, {watches} watches, {prober.rounds} rounds of the prober")
    for seconds, names in sorted(took, reverse=True)[:3]:
        print(f"   model: {seconds:.1f} s after {names}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os.environ["KERYX_SEED"] = sys.argv[2]
    if len(sys.argv) > 3:
        os.environ["KERYX_STEPS"] = sys.argv[3]
    report = Report([os.path.abspath(sys.argv[1])], pathlib.Path(__file__).resolve().parents[2])
    report.suite = "model"
    run(report)
    sys.exit(1 if report.failed else 0)
