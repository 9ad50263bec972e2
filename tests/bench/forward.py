#!/usr/bin/env python3
"""CPU per query of forwarding and of cache hits, beside dnsmasq, Unbound and the echo, in one run.

usage: forward.py --tools FOLDER [--binary build/server/keryx] [--rounds 11] [--seconds 1] [--only NAME...]

Every server has one worker on CPU 0; the load, and the upstream that all of them forward to (a second
echo), are on CPU 1. What counts is the median of the ratios within a round. The servers without a cache
forward every query; the two with one answer 10,000 names from it (Unbound: from local-data).
"""
import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from run import Server, measure, medians, print_table

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import free_port  # noqa: E402 - the path comes first

COREFILE = """
. {
    bind 127.0.0.1
    errors
    multisocket 1
    forward . 127.0.0.1:%(upstream)d
    %(cache)s
}
"""
DNSMASQ = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--cache-size=0",
           "--bind-interfaces", "--listen-address=127.0.0.1", "--dns-forward-max=5000", "--user=root",
           "--pid-file="]
UNBOUND = """
server:
  interface: 127.0.0.1@%(port)d
  username: ""
  chroot: ""
  directory: "%(folder)s"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  outgoing-range: 4096
  num-queries-per-thread: 4096
  do-not-query-localhost: no
  module-config: "iterator"
  %(extra)s
remote-control:
  control-enable: no
"""
FORWARD = """msg-cache-size: 0
  rrset-cache-size: 0
  cache-max-ttl: 0
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@%(upstream)d
"""


# All names fit, in each of the shards too.
CACHE = "cache 300 {\n        success 30000\n    }"


def unbound(folder, name, port, extra):
    path = folder / f"{name}.conf"
    path.write_text(UNBOUND % {"port": port, "folder": folder, "extra": extra})
    return [shutil.which("unbound") or "/usr/sbin/unbound", "-d", "-c", str(path)]


def keryx(args, folder, name, port, upstream, cache):
    path = folder / f"{name}.Corefile"
    path.write_text(COREFILE % {"upstream": upstream, "cache": cache})
    return [str(args.binary), "-conf", str(path), "-dns.port", str(port)]


def commands(args, folder, upstream, names):
    local = 'local-zone: "bench.example." static\n' + "\n".join(
        f'  local-data: "{name}. 30 IN A 10.96.1.2"' for name in names)
    dnsmasq = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
    return {
        "echo": lambda p: [str(args.tools / "echo"), str(p)],
        "keryx": lambda p: keryx(args, folder, "forward", p, upstream, ""),
        "dnsmasq": lambda p: [dnsmasq, *DNSMASQ, f"--port={p}", f"--server=127.0.0.1#{upstream}"],
        "unbound": lambda p: unbound(folder, "forward", p, FORWARD % {"upstream": upstream}),
        "hit": lambda p: keryx(args, folder, "cache", p, upstream, CACHE),
        "local": lambda p: unbound(folder, "local", p, local),
    }


def ratios(servers):
    by_name = {s.name: [r["cpu_us"] for r in s.results] for s in servers}
    for ours, theirs in (("keryx", "echo"), ("keryx", "dnsmasq"), ("keryx", "unbound"), ("hit", "local"),
                         ("hit", "echo")):
        if ours in by_name and theirs in by_name:
            ratio = statistics.median(a / b for a, b in zip(by_name[ours], by_name[theirs]))
            print(f"{ours}/{theirs}: {ratio:.3f} of its CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build/server/keryx")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--sockets", type=int, default=20)
    parser.add_argument("--only", nargs="*", default=[])
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="keryx-bench-") as name:
        folder = pathlib.Path(name)
        names = [f"host-{i}.bench.example" for i in range(10000)]
        (folder / "names.txt").write_text("\n".join(names) + "\n")
        upstream = free_port()
        second = subprocess.Popen(["taskset", "-c", "1", str(args.tools / "echo"), str(upstream)])
        servers = []
        try:
            for server, command in commands(args, folder, upstream, names).items():
                if not args.only or server in args.only:
                    port = free_port()
                    servers.append(Server(server, command(port), port, names[0]))
            for server in servers:  # a round that does not count: caches, page faults
                measure(args, folder, server)
            for i in range(args.rounds):
                for k in range(len(servers)):
                    server = servers[(i + k) % len(servers)]
                    server.results.append(measure(args, folder, server))
                line = "  ".join(f"{s.name} {s.results[-1]['cpu_us']:.2f}" for s in servers)
                print(f"round {i + 1:>2}: {line}", flush=True)
        finally:
            for server in servers:
                server.stop()
            second.kill()
    print_table(medians(servers))
    ratios(servers)


if __name__ == "__main__":
    main()
