"""`acl`: who may ask what, before anything else answers, the cache included."""
import socket

import cluster
import wire
from harness import check, equal
from keryx import Keryx
from upstream import Upstream

FILES = {"objects.json": cluster.OBJECTS}
EDE = 15
BLOCKED, FILTERED = 15, 17
ACL = """cache
    acl {
        allow net 127.0.0.2 type A
        block net 127.0.0.2/31
        drop type SRV
        filter type HTTPS SVCB
    }
    acl blocked.test prod.svc.cluster.local {
        block type AAAA
    }"""


def ask_from(k, source, qname, qtype="A", timeout=5.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect((k.address, k.port))
        sock.settimeout(timeout)
        sock.send(wire.query(qname, qtype, edns=wire.opt()))
        return wire.parse(sock.recv(65535))


def extended_errors(r):
    return [int.from_bytes(data[:2], "big") for code, data in r.edns_options() if code == EDE]


def rules(t, k):
    with t.case("block: REFUSED, and why to clients that sent EDNS"):
        for source in ("127.0.0.2", "127.0.0.3"):
            r = ask_from(k, source, "www.example.com.", "MX")
            equal((r.rcode_text, r.answer, r.authority, extended_errors(r)), ("REFUSED", [], [], [BLOCKED]), source)
        equal(ask_from(k, "127.0.0.3", cluster.SERVICE).rcode_text, "REFUSED", "a cluster name")
    with t.case("the first rule that matches decides"):
        equal(ask_from(k, "127.0.0.2", "www.example.com.").addresses(), ["192.0.2.80"])
        equal(ask_from(k, "127.0.0.4", "www.example.com.").addresses(), ["192.0.2.80"])
    with t.case("the cache does not answer who may not ask"):
        equal(ask_from(k, "127.0.0.3", "www.example.com.").rcode_text, "REFUSED", "rcode")
    with t.case("filter: NOERROR without records"):
        for ask in (k.udp, k.tcp):
            r = ask("www.example.com.", "HTTPS", edns=wire.opt())
            equal((r.rcode_text, r.answer, r.authority, extended_errors(r)), ("NOERROR", [], [], [FILTERED]))
        check(k.udp("www.example.com.", "HTTPS").edns is None, "an OPT that was not asked for")
    with t.case("drop: no reply, and the next question has one"):
        equal(k.udp("www.example.com.", "SRV", timeout=0.3), None)
        equal(k.udp("www.example.com.").addresses(), ["192.0.2.80"])
    with t.case("a stanza holds for its zones only"):
        equal(k.udp(cluster.SERVICE, "AAAA").rcode_text, "REFUSED", "rcode")
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
        equal(k.udp("www.example.com.", "AAAA").rcode_text, "NOERROR", "rcode")


def targets(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port, "acl example.com {\nblock\n}"), FILES) as k, \
            t.case("where a CNAME leads counts as well"):
        r = k.udp(cluster.ALIAS_OUTSIDE)
        equal((r.rcode_text, r.addresses()), ("REFUSED", []))
        check(not any("example.com" in qname for qname, _, _ in up.asked), str(up.asked))


def run(t):
    with Upstream(cluster.world) as up, Keryx(t, cluster.corefile(up.port, ACL), FILES) as k:
        rules(t, k)
    targets(t)
