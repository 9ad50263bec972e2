#!/usr/bin/env python3
"""A soak: mixed load, a cluster that changes, an API server that fails, reloads, and hostile clients, all
at once; every answer is held against what was true, and nothing may grow.

usage: run.sh MINUTES [--binary KERYX] [--slack FACTOR] [--rate N] [--hostile-rate N]

MINUTES may be a fraction. A line of progress each minute (each tenth of a shorter run); the last line
is `N passed, N failed`. KERYX_SEED repeats the random choices of a run. --slack stretches deadlines, for
builds with sanitizers, whose memory is not judged. --rate and --hostile-rate: queries and hostile packets
a second.
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import oracle_cases  # noqa: E402 - the path comes first
from api_certificates import Certificates  # noqa: E402
from api_server import Server, kubeconfig  # noqa: E402
from api_store import Store  # noqa: E402
from clients import Clients, Upstream  # noqa: E402
from harness import Report, check  # noqa: E402
from judge import Judge, outside_questions  # noqa: E402
from keryx import Keryx  # noqa: E402
from oracle import Oracle  # noqa: E402
from reloads import Reloads, corefile  # noqa: E402
from world import SETTLE_STORM, World, fill  # noqa: E402

STEPS_A_SECOND = 12
WARM_UP, LONGEST_WARM_UP = 0.25, 120.0  # of the time; seconds
GROWTH, GROWTH_SHORT, SHORT = 0.02, 0.5, 300.0  # in less than five minutes a reload shows, which has two of all


class Meter:
    """The server's memory, descriptors and threads; of memory it keeps samples, from a thread of its own."""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")
        self.samples = []  # (seconds, octets)
        self.over = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while not self.over.wait(0.5):
            try:
                self.samples.append((time.monotonic(), self.now()[0]))
            except (OSError, IndexError):
                return  # it has ended

    def now(self):
        """(resident octets, descriptors, threads)"""
        status = (self.proc / "status").read_text()
        threads = int(status.split("Threads:")[1].split()[0])
        return int(status.split("VmRSS:")[1].split()[0]) * 1024, len(os.listdir(self.proc / "fd")), threads

    def growth(self):
        """Of the last quarter beside the highest of those before, means, as a part: a reload has two of all
        for a moment, so that a quarter differs from the next by some percent, either way."""
        first, last = self.samples[0][0], self.samples[-1][0]
        quarters = [[rss for at, rss in self.samples if i <= 4 * (at - first) / (last - first) < i + 1] for i in range(4)]
        means = [statistics.mean(quarter) for quarter in quarters]
        return means[3] / max(means[:3]) - 1

    def at_rest(self, same_for, most=None, seconds=30.0):
        """(descriptors, threads) once nobody asks: when they stay as they are for so long, or are `most` at most."""
        same, last = 0, None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.now()[1:]
            if most and found[0] <= most[0] and found[1] <= most[1]:
                break
            same, last = (same + 1 if found == last else 0), found
            if not most and same >= same_for * 10:
                break
            time.sleep(0.1)
        return found


class Soak:
    def __init__(self, args, t, k, world, judge, reloads, questions):
        self.args, self.t, self.k, self.world, self.judge = args, t, k, world, judge
        self.reloads, self.questions, self.random = reloads, questions, random.Random(args.seed)
        self.meter = Meter(k.process.pid)
        self.clients, self.hostile = None, collections.Counter()
        self.started = time.monotonic()

    def ask(self):
        """Clients of both kinds, from now on."""
        self.hostile += self.clients.hostile if self.clients else collections.Counter()
        self.clients = Clients(self.k, self.args.tool, self.questions, self.args.rate, self.args.hostile_rate,
                               self.random.randrange(1 << 32))
        self.judge.chunks = self.clients.chunks

    def rest(self):
        self.clients.stop()
        self.judge()
        self.reloads.wait()

    def all_for(self, seconds, every):
        """Everything at once for so long; a line of progress each `every` seconds."""
        start = time.monotonic()
        next_line, storm_every = start + every, min(20.0, max(4.0, seconds / 5))
        next_quick, next_storm, next_reload = start + 1, start + 2, start + 3
        steps = self.world.at
        while (now := time.monotonic()) < start + seconds:
            check(self.k.alive(), f"the server ended: {self.k.output()}")
            check(self.clients.alive(), "a client died")
            if now >= next_reload:
                self.reloads.next(lambda: self.world.settle(SETTLE_STORM))
                next_reload = time.monotonic() + 4
            if now >= next_storm:
                self.world.storm()
                next_storm = time.monotonic() + storm_every
            elif now >= next_quick:
                self.world.quick_fault()
                next_quick = time.monotonic() + 2
            elif (now - start) * STEPS_A_SECOND > self.world.at - steps:
                self.world.change(1)
                self.world.settle(SETTLE_STORM)
            else:
                time.sleep(0.02)
            self.judge()
            if now >= next_line:
                next_line += every
                self.progress()

    def progress(self):
        rss, fds, threads = self.meter.now()
        j, hostile = self.judge, sum((self.hostile + self.clients.hostile).values())
        print(f"{time.monotonic() - self.started:6.0f} s: {j.checked} answers, {j.wrong} wrong, {j.lost} lost, "
              f"{rss / 1e6:.1f} MB, {fds} fds, {threads} threads, {self.world.at} changes, "
              f"{self.reloads.done} reloads, {self.world.restarts} API restarts, {self.world.faults} API faults, "
              f"{hostile} hostile", flush=True)


def verdicts(t, soak, before, after):
    judge, meter = soak.judge, soak.meter
    with t.case(f"every answer was true when it was given ({judge.checked} checked)"):
        check(judge.checked > 100 * soak.args.minutes, f"{judge.checked} answers only")
        check(not judge.wrong, f"{judge.wrong} were not: {judge.shown()}")
        print(f"   soak: of {judge.unjudged} answers it could not be said, for too much was changing; {judge.failed} SERVFAIL")
        check(judge.failed <= judge.checked / 50, f"{judge.failed} times no answer of the upstream in time")
        check(judge.unjudged <= judge.checked / 1000, f"of {judge.unjudged} it could not be said")
    with t.case("no query of a well-behaved client was lost"):
        check(not judge.lost, f"{judge.lost} were: {judge.shown()}")
    with t.case("every kind of question was asked, over UDP and TCP, and some answers were truncated"):
        check(judge.over_tcp > 0 and judge.truncated > 0, f"{judge.over_tcp} over TCP, {judge.truncated} truncated")
        missing = judge.never_answered()
        check(soak.args.minutes < 2 or not missing, f"never: {missing[:5]}")
    with t.case("all of it happened: changes, faults, restarts, reloads, hostile clients of each kind"):
        kinds = soak.hostile + soak.clients.hostile
        check(len(kinds) == 14 and min(kinds.values()) > 0, str(kinds))
        for what, count in (("changes", soak.world.at), ("faults", soak.world.faults), ("reloads", soak.reloads.done)):
            check(count > 2 * soak.args.minutes, f"{count} {what} only")
        check(soak.world.restarts > 0 or soak.args.minutes < 2, "no API restart")
    with t.case("memory is flat"):
        growth, limit = meter.growth(), GROWTH if soak.args.minutes * 60 >= SHORT else GROWTH_SHORT
        print(f"   memory: {growth:+.2%} in the last quarter, beside the highest before")
        check(growth < limit or t.slack > 1, f"{growth:+.2%}, over {limit:.0%}")
    with t.case(f"no descriptor or thread has leaked ({before[0]} and {before[1]} after the warm-up)"):
        check(after[0] <= before[0] and after[1] <= before[1], f"{after[0]} descriptors, {after[1]} threads")


def run(args, t, folder):
    store = Store()
    stable = fill(store)
    oracle = Oracle(outside_questions(stable))
    questions = folder / "questions"
    questions.write_text("".join(f"{qname} {qtype}\n" for qname, qtype in oracle.asked))
    judge = Judge(oracle, patient=t.slack > 1)
    with Certificates() as certificates, Server(store, certificates) as server, Upstream() as upstream:
        server.bookmark_every = 0.3
        text = corefile(upstream.port)
        with Keryx(t, text, {"kubeconfig": kubeconfig(server)}, args=("-dns.port", "0", "-workers", "2")) as k:
            world = World(t, store, server, k, oracle, judge, args.seed)
            soak = Soak(args, t, k, world, judge, Reloads(t, k, upstream.port), questions)
            at_rest = []
            try:
                with t.case(f"changes were seen and reloads went through (KERYX_SEED={args.seed})"):
                    at_rest += phases(soak, args.minutes * 60)
            finally:
                soak.meter.over.set()
                if soak.clients:
                    soak.clients.stop()
            if at_rest:
                verdicts(t, soak, *at_rest)


def phases(soak, seconds):
    """The warm-up, at whose end nobody asks for a moment, and the run; what was open then and at the end."""
    soak.world.settle(SETTLE_STORM)
    warm_up, every = min(seconds * WARM_UP, LONGEST_WARM_UP), min(60.0, seconds / 10)
    soak.ask()
    soak.all_for(warm_up, every)
    soak.rest()
    soak.world.settle(SETTLE_STORM)
    before = soak.meter.at_rest(min(6.0, seconds / 20))  # what served before a reload goes within 5 s
    print(f"   after the warm-up, at rest: {before[0]} descriptors, {before[1]} threads", flush=True)
    soak.meter.samples.clear()
    soak.ask()
    soak.all_for(seconds - warm_up, every)
    soak.rest()
    soak.world.settle(SETTLE_STORM)
    soak.progress()
    return before, soak.meter.at_rest(0, before)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parents[1] / "build/server/keryx")
    parser.add_argument("--slack", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=3000.0)
    parser.add_argument("--hostile-rate", type=float, default=1500.0)
    parser.add_argument("--tool", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.seed = int(os.environ.get("KERYX_SEED") or random.SystemRandom().randrange(1 << 32))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and what was started is ended
    print(f"soak: KERYX_SEED={args.seed}, {args.minutes:g} minutes, {args.rate:g} queries and {args.hostile_rate:g} "
          "hostile packets a second", flush=True)
    t = Report([str(args.binary.resolve())], HERE.parents[1], args.slack)
    t.suite = "soak"
    oracle_cases.run(t)
    with tempfile.TemporaryDirectory(prefix="keryx-soak-") as folder:
        run(args, t, pathlib.Path(folder))
    print(f"{t.passed} passed, {t.failed} failed")
    return 1 if t.failed or not t.passed else 0


if __name__ == "__main__":
    sys.exit(main())
