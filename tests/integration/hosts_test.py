"""`hosts`: a file and the lines of the Corefile, ahead of the cluster and of upstreams."""
import cluster
import wire
from harness import check, equal, until
from keryx import Keryx
from upstream import Upstream

HOSTS = """# as a kubelet or k3s writes it
127.0.0.1   localhost
192.0.2.11  node-1  Node-1.Example.Org  # the first
192.0.2.12  node-2
fd00::12    node-2
192.0.2.13  *.wild.example.org
no address  nothing
"""
K3S = """hosts NodeHosts {
      ttl 60
      reload 100ms
      fallthrough
    }"""
OVER_THE_CLUSTER = f"""hosts {{
        192.0.2.99 {cluster.SERVICE} www.example.com
        fallthrough
    }}"""
MINIKUBE = """hosts {
       192.168.49.1 host.minikube.internal
       fallthrough
    }"""


def answers(k, up):
    with k.t.case("names of the file, however they are spelled, over UDP and TCP"):
        for ask in (k.udp, k.tcp):
            r = ask("NODE-1.example.org.")
            equal((r.rcode_text, r.addresses(), r.answer[0].owner, r.answer[0].ttl),
                  ("NOERROR", ["192.0.2.11"], "NODE-1.example.org.", 60))
            check(r.flags & wire.AA, "AA is clear")
        equal(k.udp("node-2.", "AAAA").addresses(), ["fd00::12"])
        equal(k.udp("any.wild.example.org.").addresses(), ["192.0.2.13"])
    with k.t.case("a name without such a record: NOERROR, nothing else"):
        for rtype in ("AAAA", "MX", "TXT", "HTTPS"):
            r = k.udp("node-1.", rtype)
            equal((r.rcode_text, r.answer, r.authority), ("NOERROR", [], []), rtype)
            check(r.flags & wire.AA, "AA is clear")
    with k.t.case("PTR"):
        r = k.udp("11.2.0.192.in-addr.arpa.", "PTR")
        equal([rr.target() for rr in r.answer], ["node-1.", "node-1.example.org."])
        equal(k.udp("13.2.0.192.in-addr.arpa.", "PTR").rcode_text, "NXDOMAIN", "a wildcard's address")
    with k.t.case("none of them reached the upstream; other names do, and the cluster answers its own"):
        check(not [x for x in up.asked if "node" in x[0].lower() or "wild" in x[0].lower()], str(up.asked))
        equal(k.udp("www.example.com.").addresses(), ["192.0.2.80"])
        equal(k.udp("deep.any.wild.example.org.").rcode_text, "NXDOMAIN", "two labels under a wildcard")
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])


def changes(k):
    file = k.folder / "NodeHosts"
    with k.t.case("the file is read again when it is written, and when another takes its place"):
        file.write_text(HOSTS + "192.0.2.14 node-4\n")
        until(lambda: k.udp("node-4.").addresses() == ["192.0.2.14"], "node-4")
        other = k.folder / "other"
        other.write_text("192.0.2.15 node-5\n")
        other.rename(file)
        until(lambda: k.udp("node-5.").addresses() == ["192.0.2.15"], "node-5")
        until(lambda: k.udp("node-4.").rcode_text == "NXDOMAIN", "node-4 to go")
    with k.t.case("without its file it keeps the names, says so once, and goes on with the next one"):
        file.unlink()
        lost = lambda: [x for x in k.lines if "plugin/hosts: " in x and "No such file" in x]  # noqa: E731
        until(lost, "a line in the log")
        equal(k.udp("node-5.").addresses(), ["192.0.2.15"])
        file.write_text("192.0.2.16 node-6\n")
        until(lambda: k.udp("node-6.").addresses() == ["192.0.2.16"], "node-6")
        equal(len(lost()), 1, "lines in the log")


def over_the_cluster(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port, OVER_THE_CLUSTER), {"objects.json": cluster.OBJECTS}) as k:
        with t.case("it comes before the cluster, and where its CNAMEs lead"):
            equal(k.udp(cluster.SERVICE).addresses(), ["192.0.2.99"])
            r = k.udp(cluster.ALIAS_OUTSIDE)
            equal([rr.rtype for rr in r.answer], [5, 1], "types")
            equal(r.addresses(), ["192.0.2.99"])
            check(not any("example.com" in qname for qname, _, _ in up.asked), str(up.asked))


def without_fallthrough(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port, "hosts none example.com {\n192.0.2.1 www.example.com\n}"),
                  {"objects.json": cluster.OBJECTS}) as k:
        with t.case("without fallthrough a name that it lacks is SERVFAIL, in its zones"):
            equal(k.udp("www.example.com.").addresses(), ["192.0.2.1"])
            equal(k.udp("nope.example.com.").rcode_text, "SERVFAIL", "rcode")
            equal(k.udp("nope.example.net.").rcode_text, "NXDOMAIN", "rcode")
            check(any("none: No such file" in line for line in k.lines), k.output())


def inline(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port, MINIKUBE), {"objects.json": cluster.OBJECTS}) as k:
        with t.case("lines of the Corefile, as minikube writes them"):
            equal(k.udp("host.minikube.internal.").addresses(), ["192.168.49.1"])
            equal([rr.target() for rr in k.udp("1.49.168.192.in-addr.arpa.", "PTR").answer],
                  ["host.minikube.internal."])
            equal(k.udp("www.example.com.").addresses(), ["192.0.2.80"])


def run(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port, K3S), {"objects.json": cluster.OBJECTS, "NodeHosts": HOSTS}) as k:
        answers(k, up)
        changes(k)
    over_the_cluster(t)
    without_fallthrough(t)
    inline(t)
