#!/usr/bin/env python3
"""Size and speed with a large cluster behind an API server: time to sync, memory, and how soon an event
is in an answer.

usage: scale.py [--binary build/server/keryx] [--services 10000] [--endpoints 100000] [--seconds 60]
                [--gzip] [--stream] [--check]

--gzip: lists are compressed, as real servers do. --stream: streaming lists, as servers since 1.32 have.
--check: exit status 1 if a figure is beyond its target. Needs two CPUs, and nothing else running on them.
"""
import argparse
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import big_cluster  # noqa: E402 - the path comes first
import wire  # noqa: E402
from api_certificates import Certificates  # noqa: E402
from harness import until  # noqa: E402
from scale_server import ScaleServer  # noqa: E402

COREFILE = """
. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        endpoint https://127.0.0.1:%(port)d
        tls %(pki)s/client.crt %(pki)s/client.key %(pki)s/ca.crt
        startup_timeout 120s
        resync 0
    }
}
"""
TARGETS = {"sync_s": 1.5, "rss_1_mib": 48, "rss_16_mib": 60, "peak_first_list_mib": 72,
           "relist_peak_ratio": 1.1, "rss_after_10_relists_ratio": 1.1, "event_p50_ms": 0.5, "event_p99_ms": 3.0}


class Process:
    """keryx, from its start until it is synced."""

    def __init__(self, binary, server, certificates, folder, workers):
        (folder / "Corefile").write_text(COREFILE % {"port": server.port, "pki": certificates.folder})
        server.first_list = None
        self.process = subprocess.Popen(
            [str(binary), "-conf", str(folder / "Corefile"), "-dns.port", "0", "-workers", str(workers)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.port = None
        for line in self.process.stdout:
            if line.startswith("listening"):
                self.synced_at = time.monotonic()
                self.port = int(line.rsplit(":", 1)[1])
                break
            print("  " + line.rstrip())
        if self.port is None:
            raise SystemExit("keryx did not start")
        self.sync_s = self.synced_at - server.first_list
        until(lambda: len(server.watches) == 3, "all watches", 30)

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(field + ":"))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def reset_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def measure_relists(k, server):
    """Ten relists; the worker is idle. (highest peak, what is resident after the tenth)"""
    peak = 0
    for _ in range(10):
        sent = server.lists_sent
        k.reset_peak()
        server.expire()
        until(lambda: server.lists_sent == sent + 3 and len(server.watches) == 3, "a relist", 30)
        time.sleep(0.3)  # the lists have been sent; their last octets are being decoded
        peak = max(peak, k.status("VmHWM"))
    return peak, k.status("VmRSS")


def measure_events(k, server, services, per_service, seconds):
    """200 events a second, each of another Service: from its last octet to the first changed answer."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", k.port))
    sock.settimeout(2)
    times, version = [], server.version
    headless = [i for i in range(services) if big_cluster.is_headless(i)]
    next_at = time.perf_counter()
    for n in range(seconds * 200):
        index, version = headless[n * 7 % len(headless)], version + 1
        fresh = f"10.250.{n // 250 % 250}.{n % 250 + 1}"
        addresses = [fresh] + [big_cluster.pod_ip(index * per_service + j) for j in range(1, per_service)]
        event = big_cluster.event("EndpointSlice", "discovery.k8s.io/v1", "MODIFIED",
                                  big_cluster.slice_of(index, version, addresses))
        name, space = big_cluster.names(index)
        query = wire.query(f"{name}.{space}.svc.cluster.local.", "A")
        wanted = socket.inet_aton(fresh)
        next_at += 0.005
        while time.perf_counter() < next_at:
            pass
        written = server.send("endpointslices", event)
        while True:
            sock.send(query)
            if wanted in sock.recv(4096):
                break
        times.append((time.perf_counter() - written) * 1000)
    return times


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def run(args):
    figures = {}
    with Certificates() as certificates, tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        server = ScaleServer(certificates, args.services, args.endpoints, args.gzip, args.stream)
        print(f"{args.services} Services, {args.endpoints} endpoints: lists of {server.octets / 1e6:.0f} MB")
        with Process(args.binary, server, certificates, folder, 16) as k:
            time.sleep(1)
            figures["rss_16_mib"] = k.status("VmRSS")
        with Process(args.binary, server, certificates, folder, 1) as k:
            figures["sync_s"], figures["sync_cpu_s"] = k.sync_s, k.cpu_s()
            figures["peak_first_list_mib"] = k.status("VmHWM")
            time.sleep(1)
            first = figures["rss_1_mib"] = k.status("VmRSS")
            peak, after = measure_relists(k, server)
            figures["relist_peak_ratio"], figures["rss_after_10_relists_ratio"] = peak / first, after / first
            times = measure_events(k, server, args.services, args.endpoints // args.services, args.seconds)
            figures["event_p50_ms"] = statistics.median(times)
            figures["event_p99_ms"] = percentile(times, 0.99)
            figures["event_max_ms"] = max(times)
            figures["rss_end_mib"] = k.status("VmRSS")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parents[1] / "build/server/keryx")
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--endpoints", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    figures, missed = run(args), 0
    for name, value in figures.items():
        target = TARGETS.get(name)
        verdict = "" if target is None else f"   (at most {target}{'' if value <= target else ': MISSED'})"
        missed += target is not None and value > target
        print(f"{name:28} {value:9.3f}{verdict}")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
