#!/usr/bin/env python3
"""Runs the integration tests: a line per case, and `N passed, N failed, N skipped` at the end.

usage: run.py [--binary build/server/keryx] [--under COMMAND] [--slack FACTOR] [--quick] [SUITE...]

Without a SUITE all of them run, in lanes beside each other; with KERYX_LONG=yes, which makes some of them longer and
stricter, one after the other. --slack stretches the deadlines, for builds with sanitizers; --quick
leaves out what only repeats (golden: one Corefile of the nine); --under runs the server by another command: by
`setarch -R`, which ThreadSanitizer needs on some kernels, or by valgrind, without the sandbox then. Debian's
own interpreter has dnspython: /usr/bin/python3 run.py.
"""
import argparse
import importlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import Report, Skip  # noqa: E402 - the path comes first

# Lanes run beside each other: the later ones mostly wait, for back-offs, a real API server, a partition. golden and
# faults_limits, which miss every datagram, come before the floods of spoof, blackhole, siege and fairshare.
LANES = [["server", "manifests", "forward", "cache", "hosts", "acl", "ede", "template", "rewrite", "compliance",
          "malformed", "metrics", "tcp", "truncation", "clients", "log"],
         ["image", "health", "status", "top", "reload", "corefiles", "docs", "faults_links"],
         ["apiserver", "coldstart", "hostile"],
         ["explain", "kubernetes", "spoof"],
         ["partition", "restart"],
         ["faults_limits", "faults_peers", "blackhole", "loop", "crowd", "deploy"],
         ["model", "memory"],
         ["golden", "upstreams"],
         ["faults_files", "faults_clock", "page", "sandbox", "siege", "fairshare"]]
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
SUITES = [suite for lane in LANES for suite in lane]


def run_suites(t, suites):
    for suite in suites:
        t.suite, started = suite, time.monotonic()
        try:
            importlib.import_module(f"{suite}_test").run(t)
        except Skip as why:
            t.skip("all of it", why)
        except Exception as error:  # noqa: BLE001 - the other suites still run
            t.fail("all of it", f"{type(error).__name__}: {error}")
        print(f"   {suite}: {time.monotonic() - started:.0f} s", flush=True)


def start_lane(suites):
    """Another process of this program, for these suites; its output is shown when it has ended."""
    options = [x for x in sys.argv[1:] if x not in SUITES]
    output = tempfile.TemporaryFile("w+")
    return subprocess.Popen([sys.executable, __file__, *options, *suites], stdin=subprocess.DEVNULL,
                            stdout=output, stderr=subprocess.STDOUT), output


def end_lane(process, output):
    """(passed, failed, skipped); a process that dies is a failure."""
    process.wait()
    output.seek(0)
    lines = output.read().splitlines()
    counts = COUNTS.match(lines[-1]) if lines else None
    print("\n".join(lines[:-1] if counts else lines), flush=True)
    return tuple(int(n) for n in counts.groups()) if counts else (0, 1, 0)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build/server/keryx")
    parser.add_argument("--slack", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--under", metavar="COMMAND", type=shlex.split, default=[])
    parser.add_argument("suites", nargs="*", metavar="SUITE", default=[])
    args = parser.parse_args()
    for suite in args.suites:
        if suite not in SUITES:
            parser.error(f"no suite '{suite}'; there are {', '.join(SUITES)}")

    lanes = [SUITES] if os.environ.get("KERYX_LONG") == "yes" else LANES
    lanes = [[s for s in lane if s in (args.suites or SUITES)] for lane in lanes]
    lanes = [lane for lane in lanes if lane]
    beside = [start_lane(lane) for lane in lanes[1:]]
    command = [*args.under, str(args.binary.resolve())]
    if "valgrind" in args.under:
        command.append("-no-sandbox")   # it has other calls than the server
    t = Report(command, root, args.slack, args.quick)
    run_suites(t, lanes[0])
    counts = [(t.passed, t.failed, t.skipped)] + [end_lane(*lane) for lane in beside]
    passed, failed, skipped = (sum(numbers) for numbers in zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
