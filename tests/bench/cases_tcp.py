"""Cases over TCP: connections that stay, and one for each query."""
import clusters
from cases_udp import contender
from rounds import Outcome, alternate, ratio

PERSISTENT = ("--mode", "tcp", "--sockets", 20, "--in-flight", 200)
CONNECT = ("--mode", "tcp-connect", "--in-flight", 20)


def tcp(bench):
    first = clusters.write_headless(bench.folder, 100, 100)
    out = Outcome("A of headless Services of 100 pods, 20 connections that stay with 10 queries in flight on each")
    knot = contender(bench, bench.knot("cluster.local", "cluster.zone", first), *PERSISTENT)
    keryx = contender(bench, bench.kubeadm(first, bench.upstream()), *PERSISTENT)
    contenders = [knot, keryx]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.most("keryx / Knot, CPU", ratio(keryx, knot), 1)
    return out


def tcp_connect(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    out = Outcome("A of 10,000 ClusterIP names, a connection for each query, 20 at a time")
    nsd = contender(bench, bench.nsd("cluster.local", "cluster.zone", first), *CONNECT)
    knot = contender(bench, bench.knot("cluster.local", "cluster.zone", first), *CONNECT)
    keryx = contender(bench, bench.kubeadm(first, bench.upstream()), *CONNECT)
    contenders = [knot, nsd, keryx]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.value("keryx / Knot, CPU", ratio(keryx, knot))
    out.value("keryx / NSD, CPU", ratio(keryx, nsd))
    return out
