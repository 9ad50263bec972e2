#!/usr/bin/env python3
"""CPU per query, rate and latency of keryx beside NSD and the echo, in short alternating rounds.

usage: run.py --tools FOLDER [--binary build/server/keryx] [--rounds 21] [--seconds 1] [--services 10000]
              [--in-flight 200] [--sockets 20] [--json] [--check]

All three servers stay up, each with one worker on CPU 0; the load runs on CPU 1 and visits them in turn,
in another order each round. A machine's speed wanders, so what counts is the median of the ratios within
a round. --check: exit status 1 if keryx needs more CPU per query than NSD, or is slower.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import wire  # noqa: E402 - the path comes first
from harness import free_port, until  # noqa: E402

COREFILE = """
. {
    bind 127.0.0.1
    errors
    multisocket 1
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests objects.json
        ttl 30
    }
}
"""
# The same answers: one A record, nothing beside it; and no limit of replies a second.
NSD = """
server:
  ip-address: 127.0.0.1@%(port)d
  username: ""
  zonesdir: "%(folder)s"
  database: ""
  pidfile: ""
  server-count: 1
  minimal-responses: yes
  rrl-ratelimit: 0
  xfrdfile: "%(folder)s/xfrd"
  zonelistfile: "%(folder)s/zonelist"
remote-control:
  control-enable: no
zone:
  name: "cluster.local"
  zonefile: "cluster.zone"
"""


def descendants(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += descendants(int(child))
    return found


class Server:
    """One of the three: its process on CPU 0 and its port."""

    def __init__(self, name, command, port, first):
        self.name, self.port, self.results = name, port, []
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=self.log, stderr=self.log)
        query = wire.query(first + ".")
        try:
            until(lambda: wire.ask_udp("127.0.0.1", port, query, 0.5) or self.process.poll() is not None,
                  f"{name} to answer", 30)
            self.reply = wire.parse(wire.ask_udp("127.0.0.1", port, query))
        except Exception:
            self.stop()
            self.log.seek(0)
            print(self.log.read().decode(), file=sys.stderr)
            raise

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def measure(args, folder, server):
    pids = [str(p) for p in descendants(server.process.pid)]
    done = subprocess.run(
        ["taskset", "-c", "1", str(args.tools / "load"), str(server.port), str(args.seconds),
         str(args.in_flight), str(args.sockets), str(folder / "names.txt"), *pids],
        capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    # A wrong answer is no answer; a lost one shows as such.
    if result["noerror"] != result["answers"] or result["truncated"]:
        raise SystemExit(f"{server.name} did not answer as it should: {result}")
    return result


def medians(servers):
    by_name = {s.name: s.results for s in servers}
    out = {"rounds": len(servers[0].results), "servers": {}, "ratios": {}}
    for name, results in by_name.items():
        cpu = [r["cpu_us"] for r in results]
        out["servers"][name] = {
            "cpu_us_median": statistics.median(cpu), "cpu_us_min": min(cpu), "cpu_us_max": max(cpu),
            "rate_median": statistics.median(r["rate"] for r in results),
            "p50_us_median": statistics.median(r["p50_us"] for r in results),
            "lost": sum(r["lost"] for r in results)}
    return out


def summary(servers):
    """Medians for each server, and the medians of the ratios within a round."""
    by_name = {s.name: s.results for s in servers}
    out = medians(servers)
    for other in by_name:
        if other == "keryx":
            continue
        pairs = list(zip(by_name["keryx"], by_name[other]))
        out["ratios"][f"keryx/{other}"] = {
            key: statistics.median(a[field] / b[field] for a, b in pairs)
            for key, field in (("cpu", "cpu_us"), ("rate", "rate"), ("p50", "p50_us"))}
    return out


def print_table(out):
    print(f"{'server':<8}{'CPU us/query':>14}{'min':>8}{'max':>8}{'k/s':>8}{'p50 us':>9}{'lost':>6}")
    for name, s in out["servers"].items():
        print(f"{name:<8}{s['cpu_us_median']:>14.2f}{s['cpu_us_min']:>8.2f}{s['cpu_us_max']:>8.2f}"
              f"{s['rate_median'] / 1000:>8.1f}{s['p50_us_median']:>9.0f}{s['lost']:>6}")
    if not out["ratios"]:
        return
    print(f"\nmedian of the ratios within a round, {out['rounds']} rounds:")
    for name, r in out["ratios"].items():
        print(f"  {name:<12} CPU {r['cpu']:.3f}   rate {r['rate']:.3f}   p50 {r['p50']:.3f}")


def start_all(args, folder):
    names = (folder / "names.txt").read_text().split()
    ports = [free_port() for _ in range(3)]
    (folder / "Corefile").write_text(COREFILE)
    (folder / "nsd.conf").write_text(NSD % {"port": ports[1], "folder": folder})
    commands = [("echo", [str(args.tools / "echo"), str(ports[0])]),
                ("NSD", [shutil.which("nsd") or "/usr/sbin/nsd", "-d", "-c", str(folder / "nsd.conf")]),
                ("keryx", [str(args.binary), "-conf", str(folder / "Corefile"), "-dns.port", str(ports[2])])]
    servers = []
    try:
        for (name, command), port in zip(commands, ports):
            servers.append(Server(name, command, port, names[0]))
        sizes = {s.name: s.reply.size for s in servers}
        if len(set(sizes.values())) != 1:
            raise SystemExit(f"the replies are not alike: {sizes} octets")
    except BaseException:
        for server in servers:
            server.stop()
        raise
    return servers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    root = HERE.parents[1]
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build/server/keryx")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--services", type=int, default=10000)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--sockets", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="keryx-bench-") as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, str(HERE / "make_cluster.py"), str(args.services), name], check=True)
        servers = start_all(args, folder)
        try:
            for server in servers:  # a round that does not count: caches, page faults
                measure(args, folder, server)
            for i in range(args.rounds):
                for k in range(len(servers)):
                    server = servers[(i + k) % len(servers)]
                    server.results.append(measure(args, folder, server))
                    time.sleep(0.05)
                if not args.json:
                    line = "  ".join(f"{s.name} {s.results[-1]['cpu_us']:.2f}" for s in servers)
                    print(f"round {i + 1:>2}: {line}", flush=True)
        finally:
            for server in servers:
                server.stop()
    out = summary(servers)
    if args.json:
        print(json.dumps(out, indent=2))
    else:
        print_table(out)
    to_nsd = out["ratios"]["keryx/NSD"]
    worse = to_nsd["cpu"] > 1 or to_nsd["rate"] < 1 or to_nsd["p50"] > 1
    return 1 if args.check and worse else 0


if __name__ == "__main__":
    sys.exit(main())
