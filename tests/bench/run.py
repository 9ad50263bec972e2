#!/usr/bin/env python3
"""CPU per query, rate, latency and memory of keryx beside the echo and its peers, in short alternating rounds.

Per case a table: CPU per query (median, least, most), rate, latency, memory, each beside the first
server, and how busy the load was (at 100 % it is the bottleneck); then what keryx is to reach, `ok` or
`MISSED`.

The server that is measured is on CPU 0, the load and upstreams on CPU 1. `echo` is the limit, a UDP
responder that does nothing; `echo2` is another one, so that one sees what is noise. A machine's speed
wanders: what counts is the median of the ratios within a round. Without a CASE all are run, one after
the other:
"""
import argparse
import json
import os
import pathlib
import platform
import shlex
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import cases_large  # noqa: E402 - the path comes first
import cases_load  # noqa: E402
import cases_process  # noqa: E402
import cases_siege  # noqa: E402
import cases_tcp  # noqa: E402
import cases_udp  # noqa: E402
from rounds import Outcome  # noqa: E402
from servers import Bench, Unmeasured  # noqa: E402

CASES = {
    "clusterip": cases_udp.clusterip, "mix": cases_udp.mixed, "cached": cases_udp.cached,
    "forward": cases_udp.forward, "tcp": cases_tcp.tcp, "tcp-connect": cases_tcp.tcp_connect,
    "latency": cases_load.latency, "churn": cases_large.churn, "workers": cases_load.workers,
    "siege": cases_siege.siege, "siege-outside": cases_siege.siege_outside, "log": cases_udp.log, "dnsperf": cases_load.dnsperf, "memory": cases_process.memory,
    "start": cases_process.start}


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    packages = subprocess.run(["dpkg-query", "-W", "nsd", "knot", "unbound", "dnsmasq-base"], capture_output=True,
                              text=True, check=False)
    peers = dict(line.split("\t") for line in packages.stdout.splitlines())
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "peers": peers}


def parse():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__ + "    " + " ".join(CASES),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--tools", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parents[1] / "build/server/keryx",
                        metavar="KERYX", help="build/server/keryx")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="20")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of a round: 1")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="all figures, and those of each round")
    parser.add_argument("--check", action="store_true", help="exit status 1 if a target is missed")
    args = parser.parse_args()
    unknown = set(args.cases) - set(CASES)
    if unknown or args.rounds < 1:
        parser.error(f"no such case: {' '.join(unknown)}" if unknown else "at least one round")
    return args


def run_case(bench, name):
    """The case's outcome; if it could not be measured, the others go on."""
    print(f"{name}:", file=sys.stderr)
    try:
        with bench.case():
            return CASES[name](bench)
    except (AssertionError, OSError, subprocess.SubprocessError, Unmeasured) as error:
        return Outcome(f"could not be measured: {error}", measured=False)


def main():
    args = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and what was started is ended
    os.sched_setaffinity(0, {1})
    bench, found, host = Bench(args), {}, machine()
    print(f"{host['cpu']}, {host['cpus']} CPUs, Linux {host['kernel']}; {args.rounds} rounds of {args.seconds:g} s")
    for name in args.cases or CASES:
        found[name] = run_case(bench, name)
        found[name].print(name)
    missed = sum(outcome.missed() for outcome in found.values())
    unmeasured = [name for name, outcome in found.items() if not outcome.measured]
    print(f"\n{missed} targets missed" if missed else "\nno target missed")
    if unmeasured:
        print(f"not measured: {' '.join(unmeasured)}")
    if args.json:
        command = shlex.join(["tests/bench/run.sh", *sys.argv[3:]])  # after --tools FOLDER
        cases = {name: vars(outcome) for name, outcome in found.items()}
        args.json.write_text(json.dumps({"machine": host, "command": command, "rounds": args.rounds,
                                         "seconds": args.seconds, "missed": missed, "cases": cases}, indent=1) + "\n")
    return 1 if unmeasured or (args.check and missed) else 0


if __name__ == "__main__":
    sys.exit(main())
