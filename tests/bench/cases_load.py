"""Other loads on the names of clusterip: an open loop at half of what NSD can do, two at once, dnsperf."""
import re
import statistics
import subprocess

import clusters
from cases_udp import contender
from rounds import Contender, Outcome, alternate, ratio
from servers import Unmeasured, program

CAPACITY_ROUNDS = 5


def latency(bench):
    """Latency counts from when a query was due: who stalls is not spared the queries of that time."""
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    nsd = bench.nsd("cluster.local", "cluster.zone", first)
    keryx = bench.kubeadm(first, bench.upstream())
    echo = bench.echo("echo", "--wildcard")
    capacity = statistics.median(bench.load(nsd, "questions.txt")["rate"] for _ in range(CAPACITY_ROUNDS))
    rate = max(1, round(capacity / 2))
    out = Outcome(f"A of 10,000 ClusterIP names, {rate} queries a second whether answered or not: "
                  f"half of NSD's {capacity:.0f}")
    peer = contender(bench, nsd, "--rate", rate)
    ours = contender(bench, keryx, "--rate", rate)
    contenders = [peer, ours, contender(bench, echo, "--rate", rate, "--any-answer")]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    late = statistics.median(r["sent_late_us"] for c in contenders for r in c.results)
    out.value("the load itself was late by, at most in a round (median)", late, "us")
    out.most("keryx / NSD, 99.9th percentile", ratio(ours, peer, "p999_us"), 1)
    return out


def both_loads(bench, server, *options):
    """One round of two loads at once, one on each CPU: rates add up, the worse latency counts."""
    running = [subprocess.Popen(bench.load_command(server, "questions.txt", *options, cpu=cpu), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE) for cpu in "01"]
    results = [bench.result(server, *process.communicate()) for process in running]
    answers = sum(r["answers"] for r in results)
    cpu_us = statistics.mean(r["cpu_us"] * r["answers"] for r in results)  # each has seen all of it
    sums = {key: sum(r[key] for r in results) for key in ("rate", "lost", "wrong")}
    worst = {key: max(r[key] for r in results) for key in ("p50_us", "p99_us", "p999_us", "load_busy")}
    return {"answers": answers, "cpu_us": cpu_us / answers, **sums, **worst}


def workers(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    out = Outcome("as clusterip, two workers and two loads on the same two CPUs; the echo has two threads")
    keryx = bench.kubeadm(first, bench.upstream(), workers=2, cpus="0,1")
    options = ("--sockets", 64, "--in-flight", 256)
    contenders = []
    for name in ("echo", "echo2"):
        server = bench.echo(name, "--wildcard", "--threads", 2, cpus="0,1")
        contenders.append(Contender(name, lambda s=server: both_loads(bench, s, *options, "--any-answer"),
                                    server.memory))
    contenders.append(Contender("keryx", lambda: both_loads(bench, keryx, *options), keryx.memory))
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.least("keryx / echo, rate", ratio(contenders[-1], contenders[0], "rate"), 0.9)
    return out


def asked_by_dnsperf(bench, server):
    used = server.cpu_microseconds()
    done = subprocess.run(["taskset", "-c", "1", program("dnsperf"), "-s", "127.0.0.1", "-p", str(server.port),
                           "-d", str(bench.folder / "dnsperf.txt"), "-l", str(max(1, round(bench.seconds))),
                           "-c", "20", "-q", "200", "-T", "1"], capture_output=True, text=True, check=False)
    found = {key: re.search(rf"{key}:\s+([0-9.]+)", done.stdout)
             for key in ("Queries completed", "Queries per second", "Average Latency \\(s\\)")}
    if not all(found.values()):
        raise Unmeasured(f"dnsperf: {done.stdout}{done.stderr}")
    completed, rate, seconds = (float(match[1]) for match in found.values())
    return {"cpu_us": (server.cpu_microseconds() - used) / completed, "rate": rate, "mean_us": seconds * 1e6}


def dnsperf(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    clusters.write_lines(bench.folder, "dnsperf.txt",
                         [f"{clusters.qname(*clusters.place(i))} A" for i in range(10_000)])
    out = Outcome("as clusterip, by a tool that others know")
    servers = [bench.echo("echo", "--wildcard"), bench.kubeadm(first, bench.upstream()),
               bench.nsd("cluster.local", "cluster.zone", first)]
    contenders = [Contender(s.name, lambda s=s: asked_by_dnsperf(bench, s)) for s in servers]
    alternate(contenders, bench.rounds)
    for contender in contenders:
        for field, what, unit in (("cpu_us", "CPU per query", "us"), ("rate", "rate", "/s"),
                                  ("mean_us", "mean latency", "us")):
            median = statistics.median(result[field] for result in contender.results)
            out.value(f"{contender.name}, {what}", median, unit)
    return out
