"""The cluster of a soak, which changes all the while, and its API server, which fails now and then.

The walk and the faults are those of the suite `model`; here no answer of the clients may be wrong while
they go on. Who changes says so to the oracle, waits until the server knows it, and says that as well.
"""
import collections
import random
import time

import cluster
import model_faults
from harness import check
from model_dns import A, Asker
from model_steps import Steps
from model_test import stable_objects

SETTLE, SETTLE_STORM = 15, 60
GRACE = 1_000_000_000  # ns: a worker may be in a round that began before the change was published
# After these the server is right about everything only when it has looked for what it missed (resync).
MISSED = ("lost", "reordered", "restored")
RESTARTS = ("refused_for_a_moment", "restored")
MARKS = ("mark.stable.svc.cluster.local", "marks.stable.svc.cluster.local")


class World:
    """What model_faults takes as the running model, too."""

    def __init__(self, t, store, server, keryx, oracle, judge, seed):
        self.t, self.store, self.server, self.keryx = t, store, server, keryx
        self.oracle, self.judge, self.random = oracle, judge, random.Random(seed)
        self.steps, self.at, self.marks = Steps(store, self.random), 0, 0
        self._removes, self.steps.remove_service = self.steps.remove_service, self._remove_service
        self.asker = Asker(keryx.address, keryx.port, 2.0 * t.slack)
        self.bag, self.faults, self.restarts = [], 0, 0
        self.lately = collections.deque(maxlen=20)  # (ns, what)
        judge.doing = self.doing
        self.oracle.everything(self.steps.truth, 0)

    def change(self, count):
        for _ in range(count):
            began = time.monotonic_ns()
            self.oracle.happened(self.steps.truth, self.steps.step(), began)
            self.at += 1

    def _remove_service(self, key):
        """As a part of a step, which may make it again at once: for a moment it was not there."""
        began = time.monotonic_ns()
        touched = self._removes(key)
        self.oracle.happened(self.steps.truth, touched, began)
        return touched

    def doing(self, when):
        """The last few things that were done before."""
        return ", ".join(f"{what} {(when - at) / 1e9:.2f} s before" for at, what in [x for x in self.lately if x[0] < when][-4:])

    def untold(self, act):
        self.steps.told = False
        try:
            act()
        finally:
            self.steps.told = True

    def wait(self, seconds):
        time.sleep(seconds)

    def _mark(self):
        """Something new of each resource: once it is answered, all before has been heard of."""
        self.marks += 1
        address = f"{self.marks >> 16 & 255}.{self.marks >> 8 & 255}.{self.marks & 255}"
        self.store.put("services", cluster.service("mark", "11." + address, namespace="stable"))
        self.store.put("endpointslices", cluster.endpoint_slice("marks-1", "marks", ["12." + address], namespace="stable"))
        self.store.put("namespaces", {"metadata": {"name": f"mark-{self.marks}"}})
        if self.marks > 1:
            self.store.delete("namespaces", "", f"mark-{self.marks - 1}")
        return [((MARKS[0], A), (0, {"11." + address})), ((MARKS[1], A), (0, {"12." + address})),
                ((f"mark-{self.marks}.svc.cluster.local", A), (0, set()))]

    def settle(self, seconds):
        """Until all that was changed is answered as it is; what the clients heard in between is judged."""
        deadline = time.monotonic() + seconds * self.t.slack
        self._until_answered(self._mark(), deadline)
        # Not before: what is right by now may be what was before.
        self._until_answered([(q, self.oracle.wanted(q)) for q in self.oracle.unsettled()], deadline)
        self.lately.append((time.monotonic_ns(), "settled"))
        self.oracle.settled(time.monotonic_ns() + int(GRACE * self.t.slack))
        self.oracle.forget(time.monotonic_ns() - 20 * GRACE)

    def _until_answered(self, wanted, deadline):
        while True:
            answers = self.asker.ask_all([question for question, _ in wanted])
            wrong = [(question, want, got) for (question, want), got in zip(wanted, answers) if got != want]
            if not wrong:
                return
            if time.monotonic() > deadline:
                shown = "; ".join(f"{question} is {got}, not {want}" for question, want, got in wrong[:4])
                raise AssertionError(f"step {self.at}: {len(wrong)} names still differ: {shown}; "
                                     f"{self.doing(time.monotonic_ns())}; log: {self.keryx.output()}")
            self.judge()
            time.sleep(0.002)
            wanted = [(question, want) for question, want, _ in wrong]

    def _audited(self, seconds):
        """Until each resource was listed twice, one of them to see what a watch has missed."""
        started = time.monotonic()
        while any(sum(entry[0] > started for entry in self.server.seen(resource, "list")) < 2
                  for resource in model_faults.WATCHED):
            check(time.monotonic() < started + seconds * self.t.slack, f"no resync in {seconds} s: {self.keryx.output()}")
            self.judge()
            time.sleep(0.05)

    def quick_fault(self):
        self._fault(self.random.choice(model_faults.QUICK))
        self.settle(SETTLE)

    def storm(self):
        """One or two faults for which the client has to pause, list anew or resync."""
        names = []
        for _ in range(self.random.choice([1, 2])):
            self.bag = self.bag or self.random.sample(model_faults.SLOW, len(model_faults.SLOW))
            fault = self.bag.pop()
            names.append(fault.__name__)
            self._fault(fault)
            self.change(3)
        if any(name in MISSED for name in names):
            self._audited(SETTLE_STORM)
        self.settle(SETTLE_STORM)
        self.server.faults.clear()

    def _fault(self, fault):
        began = time.monotonic_ns()
        self.lately.append((began, fault.__name__))
        fault(self)
        self.oracle.everything(self.steps.truth, began)
        self.faults += 1
        self.restarts += fault.__name__ in RESTARTS


def fill(store):
    """Names that never change, and those by which a change is seen to have arrived; answers of the first."""
    stable = stable_objects(store)
    store.put("services", cluster.service("marks", namespace="stable"))
    return stable


