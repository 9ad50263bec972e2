"""Cases of a client that behaves well beside hostile ones: what it loses, and how long it waits."""
import statistics
import subprocess

import clusters
from cases_udp import contender
from rounds import Outcome, alternate

CAPACITY_ROUNDS = 5
ASKED, DRIPS = 1000, 500
SLOWEST = 5.0  # ms, of 99 % of the queries
MALFORMED, INSIDE, OUTSIDE = "malformed", "default.svc.cluster.local", "example.net"
LIMITS = """ratelimit 5000 {
        over drop
        forwards 50
    }"""


def half_of_capacity(bench, server):
    return round(statistics.median(bench.load(server, "questions.txt")["rate"] for _ in range(CAPACITY_ROUNDS)) / 2)


def besieged(bench, server, name, rate, *kinds):
    hostile = ["--hostile", rate, "--hostile-kinds", ",".join(kinds), "--drips", DRIPS] if kinds else ["--drips", 1]
    found = contender(bench, server, "--rate", ASKED, *hostile)
    found.name = name
    return found


def judge(out, contenders):
    """Each round counts: what is lost, and the wait of the worst one in a hundred in the median round."""
    out.take(contenders)
    for c in contenders:
        waits = [r["p99_us"] / 1000 for r in c.results]
        out.most(f"{c.name}: lost queries of {sum(r['answers'] for r in c.results)}", sum(r["lost"] for r in c.results), 0)
        out.most(f"{c.name}: 99th percentile, median round", statistics.median(waits), SLOWEST, "ms")
        out.value(f"{c.name}: 99th percentile, worst round", max(waits), "ms")


def siege(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    keryx = bench.kubeadm(first, bench.upstream())
    rate = half_of_capacity(bench, keryx)
    out = Outcome(f"{ASKED} cluster queries a second of one client, beside {DRIPS} dripping TCP connections and {rate} "
                  "hostile packets a second of others, which is half of the capacity")
    contenders = [besieged(bench, keryx, "alone", rate), besieged(bench, keryx, MALFORMED, rate, MALFORMED),
                  besieged(bench, keryx, "random", rate, INSIDE), besieged(bench, keryx, "both", rate, MALFORMED, INSIDE)]
    alternate(contenders, bench.rounds)
    judge(out, contenders)
    return out


def siege_outside(bench):
    """The capacity is that of a server without limits, since the load of one client is what they limit."""
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    upstream = bench.upstream()
    free = bench.kubeadm(first, upstream, "free")
    rate = half_of_capacity(bench, free)
    out = Outcome(f"as siege, {rate} random names outside of the cluster a second; `limited`: with ratelimit")
    contenders = [besieged(bench, free, "free", rate, OUTSIDE)]
    plugins = subprocess.run([bench.args.binary, "-plugins"], capture_output=True, text=True, check=True).stdout
    if "ratelimit" in plugins:
        limited = bench.kubeadm(first, upstream, "limited", log=LIMITS)
        contenders.append(besieged(bench, limited, "limited", rate, OUTSIDE))
    alternate(contenders, bench.rounds)
    out.take(contenders)
    judge(out, contenders[1:])
    return out
