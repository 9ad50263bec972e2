"""What is kept of upstreams' answers: that hits ask nobody, age, and outlive their upstream."""
import time

import cluster
import wire
from harness import check, equal, until
from keryx import Keryx
from nsd import Nsd
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
EDE = 15
STALE = 3
ZONE = """$ORIGIN example.com.
@ 3600 IN SOA ns1 hostmaster 1 7200 1800 86400 300
@ 3600 IN NS ns1
ns1 3600 IN A 192.0.2.53
www 3600 IN A 192.0.2.80
alias 600 IN CNAME www
mail 900 IN MX 10 www
"""


def world(query, tcp):
    """Names that live for a second or a minute, names that fail, and those of the cluster tests."""
    qname, qtype, _ = query.questions[0]
    first = qname.lower().split(".")[0]
    ttl = 2 if first.startswith("short") else 60
    if first.startswith(("a-", "short")):
        return reply(query, wire.record(qname, "A", 1, ttl, b"\xc0\0\2\1"), 1)
    if first == "servfail":
        return reply(query, rcode=2)
    if first == "silent":
        return None
    return cluster.world(query, tcp)


def extended_errors(r):
    return [int.from_bytes(data[:2], "big") for code, data in r.edns_options() if code == EDE]


def hits(t, k, up):
    with t.case("hits do not reach the upstream, whatever their case and transport"):
        for ask in (k.udp, k.tcp):
            equal(ask("a-1.example.org.").addresses(), ["192.0.2.1"])
        r = k.udp("A-1.Example.ORG.", ident=0x4242)
        equal((r.ident, r.questions[0][0], r.addresses()), (0x4242, "A-1.Example.ORG.", ["192.0.2.1"]))
        check(r.flags & wire.RA and not r.flags & wire.AA, f"{r.flags:#06x}")
        equal(sum(name.lower() == "a-1.example.org." for name, _, _ in up.asked), 1, "queries upstream")
    with t.case("the TTL counts down"):
        first = k.udp("a-2.example.org.").answer[0].ttl
        later = until(lambda: (ttl := k.udp("a-2.example.org.").answer[0].ttl) < first and ttl, "a lower TTL")
        check(57 <= later < first == 60, f"{first}, then {later}")
    for name, rcode in (("nope.example.com.", "NXDOMAIN"), ("www.example.com.", "NOERROR")):
        with t.case(f"a negative answer is kept: {rcode}"):
            before = len(up.asked)
            for _ in range(3):
                r = k.udp(name, "MX")
                equal((r.rcode_text, r.answer, [rr.rtype for rr in r.authority]), (rcode, [], [6]))
            equal(len(up.asked) - before, 1, "queries upstream")
    with t.case("SERVFAIL is kept, and not for long"):
        equal(k.udp("servfail.example.org.").rcode_text, "SERVFAIL", "rcode")
        before = len(up.asked)
        for _ in range(5):
            equal(k.udp("servfail.example.org.").rcode_text, "SERVFAIL", "rcode")
        equal(len(up.asked), before, "queries upstream")
        until(lambda: k.udp("servfail.example.org.") and len(up.asked) > before, "it to be asked again", 12)
    with t.case("an upstream that says nothing costs its time-out once"):
        k.udp("silent.example.org.", timeout=12)
        started = time.monotonic()
        equal(k.udp("silent.example.org.").rcode_text, "SERVFAIL", "rcode")
        check(time.monotonic() - started < t.slack, "it waited again")
    with t.case("cluster names are not in the cache"):
        equal(k.udp(cluster.SERVICE).answer[0].ttl, 30, "TTL")
        check(k.udp(cluster.SERVICE).flags & wire.AA, "AA is clear")


def stale(t):
    """The upstream dies, and its last answers are served."""
    for mode in ("immediate", "verify"):
        extra = f"cache {{\nsuccess 9984 1 0\nservfail 1s\nserve_stale 1h {mode}\n}}"
        with Upstream(world) as up, Keryx(t, cluster.corefile(up.port, extra), FILES) as k:
            equal(k.udp("short.example.org.").answer[0].ttl, 1, "TTL")
            up.answer = lambda query, tcp: reply(query, rcode=2)
            with t.case(f"serve_stale {mode}: an upstream that died leaves its last answer"):
                r = until(lambda: (r := k.udp("short.example.org.", edns=wire.opt(), timeout=12)) and
                          r.answer and r.answer[0].ttl == 0 and r, "TTL 0")
                equal((r.rcode_text, r.addresses(), extended_errors(r)), ("NOERROR", ["192.0.2.1"], [STALE]))
            with t.case(f"serve_stale {mode}: what it says when it is back counts"):
                up.answer = world
                until(lambda: k.udp("short.example.org.", timeout=12).answer[0].ttl == 1, "a fresh answer", 15)


def prefetch(t):
    with Upstream(world) as up, \
            Keryx(t, cluster.corefile(up.port, "cache {\nsuccess 9984 4 0\nprefetch 2 1m 90%\n}"), FILES) as k, \
            t.case("prefetch: what is asked for often is asked for early"):
        until(lambda: k.udp("a-1.example.org.") and len(up.asked) > 1, "a second query upstream")
        refreshed = time.monotonic()
        while time.monotonic() < refreshed + 0.3:  # one at a time, however many clients ask
            k.udp("a-1.example.org.")
        check(len(up.asked) <= 3, f"{len(up.asked)} queries upstream")


def disabled(t):
    with Upstream(world) as up, \
            Keryx(t, cluster.corefile(up.port, "cache {\ndisable success example.org\n}"), FILES) as k, \
            t.case("disable: such names are asked each time, others are not"):
        for name, expected in (("a-1.example.org.", 3), ("a-1.example.net.", 1)):
            before = len(up.asked)
            for _ in range(3):
                k.udp(name)
            equal(len(up.asked) - before, expected, f"queries upstream for {name}")


def to_nsd(t):
    with Nsd({"example.com": ZONE}) as nsd, \
            Keryx(t, cluster.corefile(nsd.port, "cache"), FILES) as k, \
            t.case("answers of NSD come out of the cache as they went in"):
        for name, rtype in (("www", "A"), ("alias", "A"), ("mail", "MX"), ("nope", "A"), ("www", "TXT")):
            for options in ({}, {"edns": wire.opt(flags=0x8000)}):
                first, second = (k.udp(f"{name}.example.com.", rtype, **options) for _ in range(2))
                for section in ("answer", "authority"):
                    one, two = ([(rr.owner, rr.rtype, rr.rdata) for rr in getattr(r, section)]
                                for r in (first, second))
                    equal(two, one, f"{section} of {name} {rtype}")
                equal((second.rcode_text, second.flags), (first.rcode_text, first.flags), "header")
        ttl = k.udp("nope.example.com.").authority[0].ttl
        check(290 <= ttl <= 300, f"a negative TTL of {ttl}, where the SOA says 300")


def run(t):
    with Upstream(world) as up, Keryx(t, cluster.corefile(up.port, "cache"), FILES) as k:
        hits(t, k, up)
    stale(t)
    prefetch(t)
    disabled(t)
    to_nsd(t)
