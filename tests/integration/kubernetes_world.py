"""Keryx before a real API server, the names that demo.sh makes, and objects to apply.

A Watcher is one keryx with a prober: what STABLE says is asked for all the while.
"""
import time

import cluster
from api_world import Prober
from harness import until
from keryx import Keryx
from model_dns import A, AAAA, CNAME, PTR, SRV, Asker

COREFILE = """
. {
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        %s
        pods verified
        ttl 30
    }
}
"""
KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: {ca}}}}}]
users: [{{name: keryx, user: {{tokenFile: {token}}}}}]
contexts: [{{name: test, context: {{cluster: test, user: keryx}}}}]
current-context: test
"""
NXDOMAIN, NODATA = (3, set()), (0, set())
NODES = {"10.0.0.8", "10.0.2.4"}     # kubia-0 and kubia-1, which are ready
UNREADY = "10.0.2.5"                 # kubia-2


def at(name):
    """The name of a Service, or below one, in the namespace default."""
    return f"{name}.default.svc.cluster.local"


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def has(*values):
    return 0, set(values)


# What demo.sh makes, as the Kubernetes DNS specification 1.1 answers it.
STABLE = [
    ((at("kubia"), A), has("10.66.13.240")),
    ((at("kubia"), SRV), has((at("kubia"), 80), (at("kubia"), 90))),
    ((at("_metrics._tcp.kubia"), SRV), has((at("kubia"), 90))),
    ((at("kubia-0.kubia-headless"), A), has("10.0.0.8")),
    ((at("kubia-2.kubia-unready"), A), has(UNREADY)),
    ((at("ext"), CNAME), has("www.example.com")),
    ((at("kubernetes"), A), has("10.66.0.1")),
    ((reverse("10.66.13.240"), PTR), has(at("kubia"))),
    (("10-0-0-8.default.pod.cluster.local", A), has("10.0.0.8")),
]
DEMO = [
    *STABLE,
    ((at("_http._tcp.kubia"), SRV), has((at("kubia"), 80))),
    ((at("kubia"), AAAA), NODATA),
    ((at("10-0-2-4.kubia"), A), has("10.0.2.4")),
    ((at("_nope._tcp.kubia"), SRV), NXDOMAIN),
    ((at("kubia-headless"), A), has(*NODES)),
    ((at("kubia-headless"), AAAA), NODATA),
    ((at("10-0-2-4.kubia-headless"), A), has("10.0.2.4")),
    ((at("_http._tcp.kubia-headless"), SRV),
     has((at("kubia-0.kubia-headless"), 8080), (at("10-0-2-4.kubia-headless"), 8080))),
    ((at("10-0-2-5.kubia-headless"), A), NXDOMAIN),
    ((at("kubia-unready"), A), has(*NODES, UNREADY)),
    ((at("kubia-unready"), SRV), has(*((at(f"{label}.kubia-unready"), 8080)
                                       for label in ("10-0-0-8", "10-0-2-4", "kubia-2")))),
    ((at("kubia-noports"), A), has(*NODES)),
    ((at("kubia-noports"), SRV), NODATA),
    ((at("_http._tcp.ext"), SRV), NXDOMAIN),
    ((at("db-0.manual"), A), has("192.0.2.10")),
    ((at("192-0-2-11.manual"), A), has("192.0.2.11")),
    ((at("_https._tcp.kubernetes"), SRV), has((at("kubernetes"), 443))),
    ((reverse("10.66.0.1"), PTR), has(at("kubernetes"))),
    ((reverse("10.0.0.1"), PTR), has(at("10-0-0-1.kubernetes"))),
    ((reverse("10.0.0.8"), PTR), has(at("10-0-0-8.kubia"), at("kubia-0.kubia-headless"),
                                     at("10-0-0-8.kubia-unready"), at("10-0-0-8.kubia-noports"))),
    ((reverse(UNREADY), PTR), has(at("kubia-2.kubia-unready"))),
    ((reverse("10.0.0.99"), PTR), NXDOMAIN),
    (("10-0-2-5.default.pod.cluster.local", A), has(UNREADY)),
    (("10-0-0-99.default.pod.cluster.local", A), NXDOMAIN),
    (("10-0-0-8.kube-system.pod.cluster.local", A), NXDOMAIN),
    (("default.svc.cluster.local", A), NODATA),
    (("kube-public.svc.cluster.local", A), NODATA),
    (("nope.svc.cluster.local", A), NXDOMAIN),
    ((at("nope"), A), NXDOMAIN),
]


def addresses_of_manual(minor):
    """The mirroring controller of 1.20 calls an Endpoints' notReadyAddresses ready."""
    return has("192.0.2.10", "192.0.2.11", *(["192.0.2.12"] if minor <= 20 else []))


class Watcher:
    """A keryx in front of the control plane, with a token file of its own, and its prober."""

    def __init__(self, t, plane, port, way):
        self.t, self.plane, self.way = t, plane, way
        self.token = plane.state / f"token-{port}"
        self.token.write_text(plane.token())
        config = KUBECONFIG.format(port=port, ca=plane.pki("ca.crt"), token=self.token)
        self.k = Keryx(t, COREFILE % "kubeconfig kubeconfig", {"kubeconfig": config})

    def __enter__(self):
        self.k.__enter__()
        self.asker = Asker(self.k.address, self.k.port)
        self.prober = None
        return self

    def __exit__(self, *_):
        self.stop_probing()
        self.k.__exit__()

    def stop_probing(self):
        if self.prober:
            self.prober.stop.set()
            self.prober.join(10)

    def probe(self, questions=None):
        self.prober = Prober(self.k, questions or STABLE)
        self.prober.start()

    def unbroken(self, questions=None):
        """The stable names were never wrong; probing goes on anew."""
        ended = self.prober
        self.probe(questions)
        ended.end()

    def sees(self, qname, qtype, want, seconds=10.0):
        """Waits for the answer; how long it took."""
        started = time.monotonic()
        try:
            until(lambda: self.asker.ask(qname, qtype) == want, qname, seconds * self.t.slack, 0.001)
        except AssertionError:
            got = self.asker.ask(qname, qtype)
            raise AssertionError(f"after {seconds:g} s {qname} is {got}, not {want}; "
                                 f"log: {self.k.output()}") from None
        return time.monotonic() - started

    def gone(self, qname, qtype=A, seconds=10.0):
        return self.sees(qname, qtype, NXDOMAIN, seconds)

    def give(self, token):
        """As the kubelet does: the file is replaced at once."""
        beside = self.token.with_suffix(".new")
        beside.write_text(token)
        beside.rename(self.token)

    def says(self, *words, after=0, seconds=10.0):
        """Waits for a log line with all the words, behind so many lines."""
        def found():
            return [x for x in self.k.lines[after:] if all(word.lower() in x.lower() for word in words)]
        try:
            return until(found, f"a message with {words}", seconds * self.t.slack)[0]
        except AssertionError:
            raise AssertionError(f"no message with {words}: {self.k.output()}") from None

    def still_asked(self):
        """Waits until the stable names were asked for many times more."""
        seen = self.prober.rounds
        until(lambda: self.prober.rounds > seen + 100 or self.prober.wrong, "the prober", 10 * self.t.slack)


def note(what, seconds):
    print(f"   kubernetes: {what}: {seconds * 1000:.0f} ms", flush=True)


def service(name, ip=None, **spec):
    made = cluster.service(name, ip, namespace=spec.pop("namespace", "default"), **spec)
    del made["spec"]["clusterIPs"]
    return made


def endpoints(name, *ips):
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": "default"},
            "subsets": [{"addresses": [{"ip": ip} for ip in ips], "ports": [{"name": "http", "port": 8080}]}]}


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
