"""Cases over UDP in a closed loop: names of the cluster, and what upstreams said."""
import os

import clusters
import mix
from harness import free_port
from rounds import Contender, Outcome, alternate, ratio
from servers import program

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
  msg-cache-size: 0
  rrset-cache-size: 0
  cache-max-ttl: 0
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@%(upstream)d
"""
FORWARD = """
.:%%(port)d {
    errors
    forward . 127.0.0.1:%d
}
"""


def contender(bench, server, *options, questions="questions.txt"):
    return Contender(server.name, lambda: bench.load(server, questions, *options), server.memory)


def echoes(bench, *options):
    """The echo, and once more: by how much the two differ is noise."""
    return [contender(bench, bench.echo(name, "--wildcard", *options), "--any-answer") for name in ("echo", "echo2")]


def clusterip(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    out = Outcome("A of 10,000 ClusterIP names, kubeadm's Corefile; keryx and echo on the wildcard address, "
                  "NSD and Knot on 127.0.0.1")
    echo, echo2 = echoes(bench)
    keryx = contender(bench, bench.kubeadm(first, bench.upstream()))
    nsd = contender(bench, bench.nsd("cluster.local", "cluster.zone", first))
    knot = contender(bench, bench.knot("cluster.local", "cluster.zone", first))
    contenders = [echo, echo2, keryx, nsd, knot]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.most("keryx / echo, CPU", ratio(keryx, echo), 1.10)
    out.most("keryx / NSD, CPU", ratio(keryx, nsd), 1)
    out.most("keryx / Knot, CPU", ratio(keryx, knot), 1)
    out.least("keryx / echo, rate", ratio(keryx, echo, "rate"), 0.9)
    out.most("keryx / echo, median latency", ratio(keryx, echo, "p50_us"), 1.2)
    return out


def mixed(bench):
    first = mix.write(bench.folder)
    out = Outcome(mix.ABOUT)
    keryx = contender(bench, bench.kubeadm(first, bench.upstream()))
    size = round(keryx.measure()["reply_octets"])
    contenders = [*echoes(bench, "--reply-size", size), keryx]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    for kind, share in mix.shares((bench.folder / "questions.txt").read_text().splitlines()).items():
        out.value(f"of the questions: {kind}", share, "%")
    out.value("mean size of keryx's replies, and size of the echo's", size, "octets")
    out.most("keryx / echo, CPU", ratio(keryx, contenders[0]), 1.20)
    return out


def cached(bench):
    """So many names fit into the default cache, in each of its shards. After 30 s they are asked anew."""
    names = 5_000
    first = clusters.write_external(bench.folder, names)
    out = Outcome("A of 5,000 names outside of the cluster, kubeadm's Corefile, answered from the cache")
    keryx = contender(bench, bench.kubeadm(first, bench.upstream()))
    asked = 0
    while asked < 2 * names:
        asked += keryx.measure()["answers"]
    contenders = [*echoes(bench), keryx]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.most("keryx / echo, CPU", ratio(keryx, contenders[0]), 1.20)
    return out


def dnsmasq(bench, upstream, first):
    port = free_port()
    return bench.start("dnsmasq", [program("dnsmasq"), *DNSMASQ, f"--port={port}", f"--server=127.0.0.1#{upstream}"],
                       port, first)


def unbound(bench, upstream, first):
    port = free_port()
    path = bench.write("unbound.conf", UNBOUND % {"port": port, "folder": bench.folder, "upstream": upstream})
    return bench.start("Unbound", [program("unbound"), "-d", "-c", path], port, first)


def forward(bench):
    first = clusters.write_external(bench.folder, 10_000)
    out = Outcome("every query forwarded to a second echo on the load's CPU, nothing cached")
    upstream = bench.upstream()
    keryx = contender(bench, bench.keryx(FORWARD % upstream, first))
    peers = [contender(bench, start(bench, upstream, first)) for start in (dnsmasq, unbound)]
    contenders = [*echoes(bench), keryx, *peers]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.most("keryx / echo, CPU", ratio(keryx, contenders[0]), 2.4)
    for peer in peers:
        out.value(f"keryx / {peer.name}, CPU", ratio(keryx, peer))
    return out


def log(bench):
    first = clusters.write_cluster_ips(bench.folder, 10_000)
    out = Outcome("as clusterip, with `log` to a file, and without")
    upstream = bench.upstream()
    quiet = contender(bench, bench.kubeadm(first, upstream))
    server = bench.kubeadm(first, upstream, "keryx-log", log="log")
    shares = []

    def logged():
        os.truncate(server.output, 0)
        result = bench.load(server, "questions.txt")
        shares.append(server.output.read_bytes().count(b"\n") / result["answers"])
        return result
    with_log = Contender("with log", logged, server.memory)
    contenders = [*echoes(bench), quiet, with_log]
    alternate(contenders, bench.rounds)
    out.take(contenders)
    out.value("with log / without, CPU", ratio(with_log, quiet))
    out.value("with log / without, rate", ratio(with_log, quiet, "rate"))
    out.value("lines written per query, at least", min(shares))
    return out
