"""Upstreams that lie, stammer, stall and vanish: what a client then gets, and when.

Each case has a server and upstreams of its own, with a script; they run beside each other. All the while a
name of the cluster is asked for, and answered.
"""
import concurrent.futures
import contextlib
import threading

import cluster
import hostile_cases_replies
import hostile_cases_time
from harness import check
from hostile_upstream import HostileUpstream
from keryx import Keryx

FILES = {"objects.json": cluster.OBJECTS}
AT_ONCE = 8
ONE_WORKER = ("-dns.port", "0", "-workers", "1")


def corefile(ports, case):
    upstreams = " ".join(f"127.0.0.1:{port}" for port in ports)
    block = f"forward . {upstreams} {{\n{case.forward}\n}}" if case.forward else f"forward . {upstreams}"
    return cluster.corefile(9, case.extra).replace("forward . 127.0.0.1:9", block)


class Cluster:
    """Asks for a name of the cluster all the time; each answer has to come, and to be right."""

    def __init__(self, t, k):
        self.t, self.k, self.answers, self.trouble, self._over = t, k, 0, [], threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _ask(self):
        while not self._over.is_set() or self.answers == 0:
            reply = self.k.udp(cluster.SERVICE, timeout=self.t.slack)
            if reply is None or reply.addresses() != ["10.96.1.1"]:
                self.trouble.append("no answer within 1 s" if reply is None else reply)
                return
            self.answers += 1
            self._over.wait(0.05)


def run_case(t, case):
    with contextlib.ExitStack() as stack, t.case(case.name):
        ups = [stack.enter_context(HostileUpstream(case.script)) for _ in range(case.upstreams)]
        k = stack.enter_context(Keryx(t, corefile([up.port for up in ups], case), FILES, args=ONE_WORKER))
        with Cluster(t, k) as names:
            case.play(t, k, ups if len(ups) > 1 else ups[0])
        check(not names.trouble, f"a cluster name: {names.trouble}")
        check(k.alive(), f"the server died: {k.output()}")


def run(t):
    # The ones that wait come first, so that the others run beside them.
    cases = hostile_cases_time.CASES + hostile_cases_replies.CASES
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda case: run_case(t, case), cases))
