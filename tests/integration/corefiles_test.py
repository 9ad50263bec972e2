"""The Corefiles that Kubernetes distributions ship, each loaded unchanged and asked what it is peculiar in.

The files are in the folder KERYX_COREFILES; what surrounds them is made (corefiles_world.py). A block with
upstreams over TLS, or with dns64, is refused by a message that names it.
"""
import re
import signal

import cluster as objects
import wire
from corefiles_world import MARK, NODE, RESOLVERS, UPSTREAM_TTL, World, shipped
from harness import check, equal, until

KUBERNETES = "kubernetes.default.svc.cluster.local."
FIRST = RESOLVERS[0]
NSID, EDE, STALE = 3, 15, 3
CH = 3


def addresses(reply):
    check(reply is not None, "no reply")
    equal(reply.rcode_text, "NOERROR", "rcode")
    return sorted(reply.addresses())


def ttls(reply):
    return {rr.ttl for rr in reply.answer}


def texts(reply):
    """The TXT records of the answer section, each of one character-string."""
    return [rr.rdata[1:].decode() for rr in reply.answer if rr.rtype == wire.TYPES["TXT"]]


def options(reply, code):
    return [data for at, data in reply.edns_options() if at == code]


def from_resolvers(reply):
    """One of the name servers of resolv.conf answered."""
    check(addresses(reply) and set(reply.addresses()) <= {MARK[x] for x in RESOLVERS},
          f"{reply.addresses()} are not of the node's resolvers")


# What all files with `kubernetes` say alike

def cluster(on, ttl=5, cache=30, pods=True):
    """`cluster.local in-addr.arpa ip6.arpa`, `fallthrough in-addr.arpa ip6.arpa`, and a cache."""
    reply = on.ask(KUBERNETES)
    equal((addresses(reply), ttls(reply)), (["10.96.0.1"], {ttl}), KUBERNETES)
    check(reply.flags & wire.AA and reply.flags & wire.RA, f"flags {reply.flags:#06x}")
    equal(on.ask("nope.default.svc.cluster.local.").rcode_text, "NXDOMAIN", "a Service that is not there")
    equal(addresses(on.ask("db.prod.svc.cluster.local.")), ["10.244.2.10", "10.244.2.11"], "a headless Service")
    equal([rr.target() for rr in on.ask("1.0.96.10.in-addr.arpa.", "PTR").answer], [KUBERNETES], "PTR")
    for beyond in ("9.9.9.9.in-addr.arpa.", "1." + "0." * 31 + "ip6.arpa."):
        on.ask(beyond, "PTR")
        check(sum(bool(on.world.asked(x, beyond)) for x in on.world.servers) == 1, f"{beyond} went nowhere")
    pod = on.ask("10-244-1-5.default.pod.cluster.local.")
    equal((pod.rcode_text, pod.addresses()), ("NOERROR", ["10.244.1.5"]) if pods else ("NXDOMAIN", []), "a pod")
    outside = on.ask("www.example.org.")
    equal(ttls(outside), {min(cache, UPSTREAM_TTL)}, "TTL of what is cached")
    equal([rr.rtype for rr in on.ask("outside.prod.svc.cluster.local.").answer], [5, 1], "an ExternalName")


def forwarded(on, qname="www.example.org.", to=RESOLVERS, over="udp", **kwargs):
    """The name goes to one of those servers, that way, and its answer comes back."""
    reply = on.ask(qname, **kwargs)
    check(addresses(reply)[0] in {MARK[x] for x in to}, f"{qname} is {reply.addresses()}")
    asked = [way for x in to for way in on.world.asked(x, qname)]
    check(asked and set(asked) == {over}, f"{qname} was asked for over {asked}, not {over}")



def endpoints(on, health=(NODE, 8080), ready=((NODE, 8181),), metrics=(NODE, 9153)):
    """What probes and Prometheus ask, on the addresses of the file; `:PORT` is every address."""
    if health:
        equal(on.get(*health, "/health"), (200, "OK"), "health")
    for at in ready:
        until(lambda: on.get(*at, "/ready") == (200, "OK"), f"{at} ready; it says {on.get(*at, '/ready')}", 10)
    status, body = on.get(*metrics, "/metrics")
    check(status == 200 and "coredns_dns_requests_total{" in body, f"metrics: {status} {body[:200]}")


def closed(on, address, port):
    equal(on.get(address, port, "/")[0], None, f"HTTP at {address}:{port}")


def usual(w, file, **kwargs):
    """The block that kubeadm has, and most others with it."""
    with w.t.case(file), w.serving(text(file)) as on:
        cluster(on, **kwargs)
        endpoints(on)
        forwarded(on, "first.example.org.")
        equal(addresses(on.ask("tcp.example.org.", tcp=True)), [addresses(on.ask("tcp.example.org."))[0]], "over TCP")


def text(file):
    return (shipped() / file).read_text()


# Single files

def kubeadm(w):
    usual(w, "kubeadm-1.20.Corefile", ttl=30)
    with w.t.case("kubeadm-latest.Corefile: names of the cluster are not cached"), \
            w.serving(text("kubeadm-latest.Corefile")) as on:
        cluster(on, ttl=30)
        w.store.put("services", objects.service("late", "10.96.7.1"))
        until(lambda: on.ask("late.prod.svc.cluster.local.").addresses() == ["10.96.7.1"], "a new Service", 10)
        w.store.delete("services", "prod", "late")
        until(lambda: on.ask("late.prod.svc.cluster.local.").rcode == wire.NXDOMAIN, "its end", 10)


def lameduck(w):
    with w.t.case("eks.Corefile: lameduck: not ready, and still answering"), w.serving(text("eks.Corefile")) as on:
        endpoints(on)
        on.k.process.send_signal(signal.SIGTERM)
        until(lambda: on.get(NODE, 8181, "/ready")[0] == 503, "not ready", 4)
        equal(addresses(on.ask(KUBERNETES)), ["10.96.0.1"], KUBERNETES)


def minikube(w):
    with w.t.case("minikube.Corefile: hosts in the file, a bare log"), w.serving(text("minikube.Corefile")) as on:
        cluster(on, ttl=30)
        endpoints(on)
        equal(addresses(on.ask("host.minikube.internal.")), ["192.168.49.1"], "hosts")
        until(lambda: on.said('"A IN host.minikube.internal. udp', "NOERROR"), f"a log line; {on.k.output()}", 10)


def k3s(w):
    hosts = (shipped() / "k3s-NodeHosts").read_text()
    with w.t.case("k3s.Corefile: NodeHosts; globs that match nothing"), \
            w.serving(text("k3s.Corefile"), etc={"coredns/NodeHosts": hosts}) as on:
        cluster(on)
        endpoints(on)
        reply = on.ask("k3s-agent-0.")
        equal((addresses(reply), ttls(reply)), (["192.168.1.12"], {60}), "hosts")
        equal(addresses(on.ask("k3s-agent-0.", "AAAA")), ["fd00:192:168:1::12"], "hosts")
        equal(len(on.said("no file matches import")), 2, "notices about imports")
    custom = {"coredns/NodeHosts": hosts, "coredns/custom/log.override": "log\n",
              "coredns/custom/lan.server": "lan:53 {\n forward . 1.2.3.4\n}\n"}
    with w.t.case("k3s.Corefile: custom *.override and *.server"), w.serving(text("k3s.Corefile"), etc=custom) as on:
        cluster(on)
        forwarded(on, "nas.lan.", ["1.2.3.4"])
        until(lambda: on.said('"A IN ' + KUBERNETES), "a log line", 10)


def aks(w):
    def templates(on):
        long = on.ask("a.b.c.d.internal.cloudapp.net.")
        equal((long.rcode_text, len(long.authority)), ("NXDOMAIN", 0), "four labels")
        equal(on.ask("a.reddog.microsoft.com.", "TXT").rcode_text, "NXDOMAIN", "any type")
    with w.t.case("aks.Corefile: two templates for ANY ANY"), w.serving(text("aks.Corefile")) as on:
        cluster(on, ttl=30)
        endpoints(on)
        templates(on)
        forwarded(on, "a.internal.cloudapp.net.")  # the pattern is for longer names: fallthrough
    custom = {f"custom/test.{kind}": text(f"aks-custom.{kind}") for kind in ("server", "override")}
    with w.t.case("aks.Corefile with aks-custom.override and aks-custom.server"), \
            w.serving(text("aks.Corefile"), custom) as on:
        cluster(on, ttl=30)
        equal(addresses(on.ask("example2.org.")), ["10.0.0.2"], "hosts of the override")
        until(lambda: on.said('"A IN example2.org. udp', "NOERROR"), "log of the override", 10)
        for qname, to in (("a.puglife.local.", "192.11.0.1"), ("a.abc.com.", "1.2.3.4"),
                          ("a.my.cluster.local.", "2.3.4.5")):
            forwarded(on, qname, [to])
        # Blocks of their own win over the templates of the root's.
        forwarded(on, "a.b.c.d.internal.cloudapp.net.")
        forwarded(on, "a.reddog.microsoft.com.")
        equal(on.ask("www.forward-example.com.").rcode_text, "SERVFAIL", "a name that no forward line is for")
    with w.t.case("aks-custom.server: a name of the cluster under another"), \
            w.serving(text("aks.Corefile"), custom) as on:
        reply = on.ask("kubernetes.example.com.")
        from_resolvers(reply)
        equal({rr.owner for rr in reply.answer}, {"kubernetes.example.com."}, "owners")
        check(any(w.asked(x, KUBERNETES) for x in RESOLVERS), "the rewritten name did not go upstream")


def localdns(w):
    vnet, kube = "169.254.10.10", "169.254.10.11"
    of = {vnet: "168.63.129.16", kube: "10.0.0.10"}
    with w.t.case("aks-localdns.Corefile"), w.addresses(vnet, kube), \
            w.serving(text("aks-localdns.Corefile"), address=vnet, cluster_zone=False) as on:
        with w.t.case("aks-localdns.Corefile: two .:53 told apart by bind"):
            for at, upstream in of.items():
                forwarded(on, "www.example.org.", [upstream], at=at)
            check(on.ask("www.example.org.", at="127.0.0.1", timeout=0.2) is None, "it answers where it is not bound")
        with w.t.case("aks-localdns.Corefile: ready on each address"):
            endpoints(on, None, ((vnet, 8181), (kube, 8181)), (NODE, 9253))
            closed(on, NODE, 8181)
        with w.t.case("aks-localdns.Corefile: nsid of each block"):
            for at, want in (vnet, b"localdns"), (kube, b"localdns-pod"):
                asks = on.ask("www.example.org.", at=at, edns=wire.opt(options=wire.option(NSID)))
                equal(options(asks, NSID), [want], f"NSID at {at}")
                equal(options(on.ask("www.example.org.", at=at, edns=wire.opt()), NSID), [], "NSID not asked for")
        with w.t.case("aks-localdns.Corefile: the template is one block's"):
            qname = "a.b.c.d.internal.cloudapp.net."
            equal(on.ask(qname, at=vnet).rcode_text, "NXDOMAIN", "rcode")
            forwarded(on, qname, [of[kube]], at=kube)
        with w.t.case("aks-localdns.Corefile: serve_stale 3600s immediate"):
            stale(w, on, vnet, w.servers[of[vnet]])


def stale(w, on, at, upstream):
    """What has expired is answered at once while the upstream says nothing."""
    addresses(on.ask("short.example.org.", at=at))
    answer, upstream.answer = upstream.answer, lambda query, tcp: None
    try:
        until(lambda: [data[:2] for data in options(on.ask("short.example.org.", at=at, edns=wire.opt()), EDE)] ==
              [STALE.to_bytes(2, "big")], "a stale answer", 10, 0.1)
        equal(addresses(on.ask("short.example.org.", at=at, timeout=1.0)), [MARK[upstream.address]], "stale")
    finally:
        upstream.answer = answer


def nodelocal(w, file, binds, cluster_dns, health):
    with w.addresses(*binds), w.t.case(f"{file}: link-local addresses; the cluster over TCP"), \
            w.serving(text(file), address=binds[0], cluster_zone=False) as on:
        for number, at in enumerate(binds):
            forwarded(on, f"web{number}.prod.svc.cluster.local.", [cluster_dns], "tcp", at=at)
            forwarded(on, f"www{number}.example.org.", at=at)
        for qname in ("9.9.9.9.in-addr.arpa.", "1.ip6.arpa."):
            on.ask(qname, "PTR")
            equal(w.asked(cluster_dns, qname), ["tcp"], f"ways of {qname}")
        check(on.ask("www.example.org.", at="127.0.0.1", timeout=0.2) is None, "it answers where it is not bound")
        endpoints(on, (binds[0], health), (), (NODE, 9253))
        closed(on, NODE, health)
        # `success 9984 30` and `denial 9984 5`; a plain 30 outside.
        equal(ttls(on.ask("web0.prod.svc.cluster.local.")), {30}, "TTL in the cluster")
        equal(on.ask("nope.prod.svc.cluster.local.").authority[0].ttl, 5, "TTL of a denial")
        equal(ttls(on.ask("www0.example.org.")), {30}, "TTL outside")


def without_blocks(corefile, zones):
    """The file without the server blocks of these zones."""
    for zone in zones:
        corefile, found = re.subn(rf"^{re.escape(zone)}:.*?^}}\n", "", corefile, flags=re.S | re.M)
        equal(found, 1, f"blocks of {zone}")
    return corefile


def openshift(w):
    for file, zones in ("openshift.Corefile", ["foo.com"]), ("openshift-cabundle.Corefile", ["foo.com", "bar.com"]):
        with w.t.case(f"{file}: upstreams over TLS are refused by name"):
            said = w.refused(text(file))
            check("Corefile:5:" in said and "tls://1.1.1.1" in said and "not supported" in said, said)
        with w.t.case(f"{file} without its blocks over TLS"), \
                w.serving(without_blocks(text(file), zones), port=5353) as on:
            cluster(on, cache=900)
            endpoints(on, metrics=("127.0.0.1", 9153))
            closed(on, NODE, 9153)
            for number in range(8):
                forwarded(on, f"www{number}.example.org.", [FIRST])  # policy sequential
            hostname = w.node_space.out("hostname").strip()
            reply = on.ask("hostname.bind.", "TXT", qclass=CH)
            equal((reply.rcode_text, texts(reply)), ("NOERROR", [hostname]), "hostname.bind")
            equal([rr.rclass for rr in reply.answer], [CH], "class")
            equal(on.said('"A IN '), [], "log lines of class success")
            equal(on.ask("nope.example.org.").authority[0].ttl, 30, "TTL of a denial")


def talos(w):
    usual(w, "talos.Corefile", ttl=30)
    with w.t.case("talos.Corefile: log of errors alone"), w.serving(text("talos.Corefile")) as on:
        silent = {x: w.servers[x].answer for x in RESOLVERS}
        try:
            for x in RESOLVERS:
                w.servers[x].answer = lambda query, tcp: wire.header(query.ident, wire.QR | wire.SERVFAIL, 1) + \
                    wire.question(query.questions[0][0], query.questions[0][1])
            equal(on.ask("broken.example.org.").rcode_text, "SERVFAIL", "rcode")
        finally:
            for x, answer in silent.items():
                w.servers[x].answer = answer
        until(lambda: on.said('"A IN broken.example.org.', "SERVFAIL"), "a log line of class error", 10)
        addresses(on.ask("fine.example.org."))
        equal(on.said('"A IN fine.example.org.'), [], "log lines of class success")


def kops(w):
    usual(w, "kops.Corefile", ttl=30)
    ipv6 = text("kops-ipv6.Corefile")
    with w.t.case("kops-ipv6.Corefile: dns64 is refused by name"):
        said = w.refused(ipv6)
        check("dns64" in said and "not supported" in said and re.search(r"Corefile:\d+:", said), said)
    corefile = re.sub(r"^ *dns64\n", "", ipv6, flags=re.M).replace("/rootfs/etc/hosts", "/etc/rootfs-hosts")
    hosts = {"rootfs-hosts": "fd00::77 api.internal.minimal-ipv6.example.com\n192.0.2.7 elsewhere.test\n"}
    with w.t.case("kops-ipv6.Corefile without dns64: an IPv6 upstream without brackets, hosts FILE ZONE"), \
            w.serving(corefile, etc=hosts) as on:
        cluster(on, ttl=30)
        forwarded(on, "www.example.net.", ["fd00:ec2::253"])
        reply = on.ask("api.internal.minimal-ipv6.example.com.", "AAAA")
        equal((addresses(reply), ttls(reply)), (["fd00::77"], {30}), "hosts")
        forwarded(on, "elsewhere.test.", ["fd00:ec2::253"])  # in the file, but not in its zone
        forwarded(on, "other.minimal-ipv6.example.com.", ["fd00:ec2::253"])


def gardener(w):
    twice = "db.prod.svc.cluster.local.svc.cluster.local."
    with w.t.case("gardener.Corefile: port 8053, a search path applied twice"), \
            w.serving(text("gardener.Corefile"), port=8053) as on:
        cluster(on, ttl=30)
        endpoints(on)
        reply = on.ask(twice)
        equal(addresses(reply), ["10.244.2.10", "10.244.2.11"], "answer")
        equal({rr.owner for rr in reply.answer}, {twice}, "owners")
        equal(on.said('"A IN '), [], "log lines of class success")
    custom = {f"custom/istio.{kind}": text(f"gardener-custom.{kind}") for kind in ("server", "override")}
    with w.t.case("gardener.Corefile with gardener-custom.override and gardener-custom.server"), \
            w.serving(text("gardener.Corefile"), custom, port=8053) as on:
        cluster(on, ttl=30)
        forwarded(on, "a.global.", ["1.2.3.4"])
        equal(len(on.said("without effect here: debug")), 1, "notices about debug")


STUB_DOMAINS = """\
acme.local:53 {
    errors
    cache 30
    loop
    forward . 1.2.3.4 2.3.4.5
}
"""


def stub_domains(w):
    """GKE's are in a ConfigMap of kube-dns; as blocks they are these."""
    corefile = text("kubeadm-latest.Corefile") + STUB_DOMAINS + STUB_DOMAINS.replace("acme.local", "10.20.0.0/16")
    with w.t.case("a block per stub domain"), w.serving(corefile) as on:
        cluster(on, ttl=30)
        forwarded(on, "db.acme.local.", ["1.2.3.4", "2.3.4.5"])
        forwarded(on, "7.1.20.10.in-addr.arpa.", ["1.2.3.4", "2.3.4.5"])
        forwarded(on, "7.1.21.10.in-addr.arpa.")


def run(t):
    shipped()
    with World(t) as w:
        kubeadm(w)
        for file, expected in (("helm-chart.Corefile", {"ttl": 30}), ("rke2.Corefile", {"ttl": 30}),
                               ("eks.Corefile", {}), ("digitalocean.Corefile", {"cache": 300}),
                               ("deployment.Corefile", {"pods": False}), ("kubespray.Corefile", {})):
            usual(w, file, **expected)
        for suite in lameduck, minikube, k3s, aks, localdns, openshift, talos, kops, gardener, stub_domains:
            suite(w)
        nodelocal(w, "nodelocaldns.Corefile", ["169.254.20.10", "10.96.0.10"], "10.96.0.11", 8080)
        nodelocal(w, "kubespray-nodelocaldns.Corefile", ["169.254.25.10"], "10.96.0.10", 9254)
