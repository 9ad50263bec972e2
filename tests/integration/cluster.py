"""The small cluster and the Corefile that the protocol tests ask about."""
import json

import wire
from upstream import reply

APEX = "cluster.local."
SERVICE = "web.prod.svc.cluster.local."
ENT = "svc.cluster.local."
PROTOCOL_ENT = "_tcp.web.prod.svc.cluster.local."
ALIAS_INSIDE = "inside.prod.svc.cluster.local."
ALIAS_OUTSIDE = "outside.prod.svc.cluster.local."


def service(name, ip=None, ports=(("http", 80),), namespace="prod", **spec):
    """A Service; `ip` None is headless."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": "ClusterIP", "clusterIP": ip or "None", "clusterIPs": [ip or "None"],
                     "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports], **spec}}


def external(name, target, namespace="prod"):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"type": "ExternalName", "externalName": target}}


def endpoint_slice(name, of, addresses, ports=(("http", 8080),), namespace="prod", family="IPv4"):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
            "metadata": {"name": name, "namespace": namespace,
                         "labels": {"kubernetes.io/service-name": of}},
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
            "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports]}


def listing(*items):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})


OBJECTS = listing(
    service("web", "10.96.1.1", ports=(("http", 80), ("https", 443))),
    endpoint_slice("web-1", "web", ["10.244.1.10", "10.244.1.11"], ports=(("http", 8080), ("https", 8443))),
    service("db"),
    endpoint_slice("db-1", "db", ["10.244.2.10", "10.244.2.11"]),
    external("inside", "web.prod.svc.cluster.local"),
    external("outside", "www.example.com"),
    service("kube-dns", "10.96.0.10", ports=(("dns-tcp", 53),), namespace="kube-system"))


def corefile(upstream_port, extra="", options="pods insecure\n        ttl 30"):
    return f"""
. {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        manifests objects.json
        {options}
    }}
    forward . 127.0.0.1:{upstream_port}
    {extra}
}}
"""


SOA_OF_EXAMPLE = wire.record(
    "example.com.", "SOA", 1, 300,
    wire.name("ns1.example.com.") + wire.name("hostmaster.example.com.") +
    (1).to_bytes(4, "big") + b"\0\0\x1c\x20\0\0\x07\x08\0\x01\x51\x80\0\0\x01\x2c")


def world(query, tcp):
    """The upstream of these tests: example.com has a SOA, www below it an A record, the rest nothing."""
    qname, qtype, _ = query.questions[0]
    qname = qname.lower()
    if qname == "example.com." and qtype == wire.TYPES["SOA"]:
        return reply(query, SOA_OF_EXAMPLE, 1)
    if qname == "www.example.com." and qtype == wire.TYPES["A"]:
        return reply(query, wire.record(qname, "A", 1, 60, bytes([192, 0, 2, 80])), 1)
    exists = qname in ("example.com.", "www.example.com.")
    return reply(query, SOA_OF_EXAMPLE, authority=1, rcode=0 if exists else wire.NXDOMAIN)
