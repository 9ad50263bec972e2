"""What keryx takes before anybody asks: memory, and time from exec to the first right answer."""
import os
import signal
import socket
import statistics
import time
import urllib.request

import clusters
import wire
from cases_large import large_cluster
from cases_udp import FORWARD
from harness import free_port, until
from rounds import Outcome
from servers import HERE, KUBEADM, Unmeasured

KUBIA = HERE.parents[1] / "examples/kubia/cluster"
KUBIA_NAME, KUBIA_ADDRESS = "kubia.default.svc.cluster.local", "10.66.13.240"
CAPACITY = 9_984  # of successes, and of denials: the default
ASKED = 3 * CAPACITY  # so that each shard of the cache is full
STARTS = 20


def settled(server):
    """Its memory, once it has not changed for a second."""
    seen = [server.memory()]

    def still():
        seen.append(server.memory())
        return len(seen) > 10 and seen[-1]["rss_mb"] == seen[-10]["rss_mb"]
    until(still, "its memory to settle", 60, pause=0.1)
    return seen[-1]


def report(out, what, memory, limit):
    out.most(f"resident, {what}", memory["rss_mb"], limit, "MB")
    out.value(f"proportional, {what}", memory["pss_mb"], "MB")


def entries(server):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.metrics}/metrics").read().decode()
    lines = [line for line in text.splitlines() if line.startswith("coredns_cache_entries{")]
    return {kind: sum(float(line.rsplit(" ", 1)[1]) for line in lines if f'type="{kind}"' in line)
            for kind in ("success", "denial")}


def fill_cache(bench, out):
    zone = "bench.example"
    clusters.write_lines(bench.folder, "bench.zone",
                         [clusters.SOA % zone, *(f"host-{i} 300 IN A 10.96.1.2" for i in range(ASKED))])
    questions = [line for i in range(ASKED)
                 for line in (f"host-{i}.{zone} A NOERROR 1", f"nope-{i}.{zone} A NXDOMAIN 0")]
    clusters.write_lines(bench.folder, "questions.txt", questions)
    clusters.write_objects(bench.folder, [clusters.namespace("default")])
    upstream = bench.nsd(zone, "bench.zone", f"host-0.{zone}", cpus="1")
    keryx = bench.kubeadm(f"host-0.{zone}", upstream.port)
    before = settled(keryx)

    def full():
        bench.load(keryx, "questions.txt")
        return min(entries(keryx).values()) >= CAPACITY
    until(full, "the cache to be full", 60)
    after = settled(keryx)
    more = {key: after[key] - before[key] for key in after}
    report(out, f"more with {CAPACITY} + {CAPACITY} cached", more, 8)


def memory(bench):
    out = Outcome("one worker, MB of 10^6 octets")
    upstream = bench.upstream()
    report(out, "`forward` alone", settled(bench.keryx(FORWARD % upstream, "a.example", "bare")), 12)
    kubia = bench.kubeadm(KUBIA_NAME, upstream, "kubia", f"manifests {KUBIA}")
    report(out, "kubia, kubeadm's Corefile", settled(kubia), 12)
    with large_cluster(bench) as (_, large):
        report(out, "10,000 Services, 100,000 endpoints", settled(large), 40)
        bench.stop(large)
    fill_cache(bench, out)
    return out


def milliseconds_to_answer(command, port):
    """From just before the fork."""
    query, wanted = wire.query(KUBIA_NAME + "."), socket.inet_aton(KUBIA_ADDRESS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, open(os.devnull, "wb") as null:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(0.001)
        os.sched_setaffinity(0, {0})  # the child inherits it, without a program in between
        began = time.perf_counter()
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), 1)])
        os.sched_setaffinity(0, {1})
        try:
            while time.perf_counter() < began + 10:
                try:
                    sock.send(query)
                    if sock.recv(512).endswith(wanted):
                        return (time.perf_counter() - began) * 1000
                except (TimeoutError, ConnectionRefusedError):
                    pass
            raise Unmeasured("keryx did not start")
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start(bench):
    out = Outcome("kubia's manifests, kubeadm's Corefile: from exec to the first right answer")
    upstream, times = bench.upstream(), []
    for _ in range(STARTS):
        ports = {key: free_port() for key in ("port", "health", "ready", "metrics")}
        corefile = KUBEADM % {**ports, "upstream": upstream, "log": "", "source": f"manifests {KUBIA}"}
        path = bench.write("start.Corefile", corefile)
        times.append(milliseconds_to_answer([str(bench.args.binary), "-conf", str(path), "-workers", "1"],
                                            ports["port"]))
    out.value("the fastest", min(times), "ms")
    out.value("the slowest", max(times), "ms")
    out.most(f"median of {STARTS}", statistics.median(times), 30, "ms")
    return out
