"""The small cluster, the Corefile, the upstream and the queries that the page is looked at with."""
import json
import threading

import cluster
import wire
from upstream import Upstream, reply

COREFILE = """
. {{
    bind 127.0.0.1
    status 127.0.0.1:0
    cache 30
    kubernetes cluster.local {{
        manifests cluster
    }}
    forward . 127.0.0.1:{upstream}
}}
"""


def pod(ready):
    """The EndpointSlice of `slow`, which is headless: one pod."""
    made = cluster.endpoint_slice("slow-1", "slow", ["10.244.3.10"])
    made["endpoints"][0]["conditions"]["ready"] = ready
    made["endpoints"][0]["targetRef"] = {"kind": "Pod", "name": "slow-7c9d8f6b5d-9mfr4", "namespace": "prod"}
    return json.dumps(made)


SERVICES = [cluster.service(name, f"10.96.{2 + at // 200}.{at % 200}", namespace="shop")
            for at, name in enumerate(f"{kind}-{place}" for kind in ("cart", "catalog", "checkout", "payments", "search")
                                      for place in ("canary", "eu", "us", "ap", "staging", "internal"))]
SLICES = [cluster.endpoint_slice(f"{s['metadata']['name']}-1", s["metadata"]["name"],
                                 [f"10.244.9.{at * 3 + i + 1}" for i in range(at % 4)], namespace="shop")
          for at, s in enumerate(SERVICES) if at % 4]
FILES = {"cluster/objects.json": cluster.OBJECTS, "cluster/pod.json": pod(False),
         "cluster/slow.json": json.dumps(cluster.service("slow")),
         "cluster/shop.json": cluster.listing(*SERVICES, *SLICES)}

HOSTILE = ["<script>window.hostile=1</script>", "<img src=x onerror=window.hostile=1>", "<b class=hostile>",
           "\"'&quot;", "\u202etxt.exe", "\x1b[31m"]


class UpstreamOfPage(Upstream):
    """Knows www.example.com; says SERVFAIL to what is below broken., else NXDOMAIN."""

    def __init__(self):
        super().__init__(_world)


def _world(query, _tcp):
    qname = query.questions[0][0].lower()
    if qname == "www.example.com.":
        return reply(query, wire.record(qname, "A", 1, 60, bytes([192, 0, 2, 80])), 1)
    return reply(query, rcode=2 if qname.endswith("broken.") else wire.NXDOMAIN)


def hostile_name(text):
    """The wire form of a name with that label, which no zone file would have."""
    label = text.encode()[:63]
    return bytes([len(label)]) + label + b"\x04prod\x03svc\x07cluster\x05local\x00"


def hostile_query(text):
    return wire.query("x.", "A")[:12] + hostile_name(text) + b"\x00\x01\x00\x01"


def ask_around(k):
    """So that there is something to see."""
    for name in ["web.prod.svc.cluster.local.", "db.prod.svc.cluster.local.", "web.prd.svc.cluster.local.",
                 "www.example.com.default.svc.cluster.local.", "www.example.com.svc.cluster.local.",
                 "www.example.com.cluster.local.", "www.example.com.", "x.broken.", "kubernetes.default.svc.cluster.lan."]:
        for _ in range(3):
            k.udp(name)
    for text in HOSTILE:
        k.udp(hostile_query(text))


class Traffic:
    """Asks around until it is left."""

    def __init__(self, k):
        self._k, self._end = k, threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        while not self._end.wait(0.3):
            ask_around(self._k)

    def __enter__(self):
        ask_around(self._k)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
