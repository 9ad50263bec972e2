"""What lies outside the cluster: the upstream's answers, its failures, and that neither holds us up."""
import concurrent.futures
import contextlib
import socket
import time

import cluster
import wire
from harness import check, equal, free_port, until
from keryx import Keryx
from nsd import Nsd
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
EDE = 15
BIG = b"".join(bytes([250]) + bytes([65 + i % 26]) * 250 for i in range(12))  # 3,012 octets of TXT
ZONE = """$ORIGIN example.com.
@ 3600 IN SOA ns1 hostmaster 1 7200 1800 86400 300
@ 3600 IN NS ns1
ns1 3600 IN A 192.0.2.53
www 3600 IN A 192.0.2.80
www 3600 IN AAAA 2001:db8::80
alias 3600 IN CNAME www
"""


def world(query, tcp):
    """Names that say how they are answered."""
    qname, qtype, _ = query.questions[0]
    first = qname.lower().split(".")[0]
    address = wire.record(qname, "A", 1, 77, b"\xc0\0\2\1")
    if first.startswith("a-"):
        return reply(query, address, 1)
    if first == "big":
        if not tcp:
            return reply(query, flags=wire.RA | wire.TC)
        return reply(query, wire.record(qname, "TXT", 1, 60, BIG), 1)
    rcodes = {"servfail": 2, "notimp": 4, "refused": 5}
    if first in rcodes:
        return reply(query, rcode=rcodes[first])
    if first == "silent":
        return None
    if first == "other-question":
        return (wire.header(query.ident, wire.QR | wire.RA, 1, 1) + wire.question("evil.example.", qtype) +
                wire.record("evil.example.", "A", 1, 60, b"\x06\6\6\6"))
    if first == "other-id":
        return ((query.ident ^ 1).to_bytes(2, "big") +
                reply(query, address, 1)[2:])
    return cluster.world(query, tcp)


def to_nsd(t):
    with Nsd({"example.com": ZONE}) as nsd, Keryx(t, cluster.corefile(nsd.port), FILES) as k:
        with t.case("answers of NSD"):
            r = k.udp("www.example.com.")
            equal((r.rcode_text, r.addresses(), r.answer[0].ttl), ("NOERROR", ["192.0.2.80"], 3600))
            equal(k.tcp("www.example.com.", "AAAA").addresses(), ["2001:db8::80"])
            equal([rr.rtype for rr in k.udp("alias.example.com.").answer], [5, 1], "types")
            equal(k.udp("nope.example.com.").rcode_text, "NXDOMAIN", "rcode")
            equal(k.udp("other.test.").rcode_text, "REFUSED", "rcode of a name that NSD does not have")
        with t.case("the case of a forwarded name comes back"):
            equal(k.udp("wWw.ExAmPlE.cOm.").questions[0][0], "wWw.ExAmPlE.cOm.", "question")


def names(up):
    return {qname for qname, _, _ in up.asked}


def resolv_conf(t):
    """A resolv.conf has no ports: an upstream on port 53 of a loopback address of our own."""
    with contextlib.ExitStack() as stack:
        try:
            up = stack.enter_context(Upstream(world, "127.0.0.77", 53))
        except OSError as why:
            t.skip("a resolv.conf names the upstream", f"port 53 of 127.0.0.77: {why}")
            return
        text = cluster.corefile(9).replace("127.0.0.1:9", "upstream.conf", 1)
        files = {**FILES, "upstream.conf": "search example.net\nnameserver 127.0.0.77\n"}
        other = stack.enter_context(Upstream(world, "127.0.0.78", 53))
        with Keryx(t, text, files) as k, t.case("a resolv.conf names the upstream"):
            equal(k.udp("a-1.example.org.").addresses(), ["192.0.2.1"])
            check(up.asked, "it was not asked")
            with t.case("a changed resolv.conf is read again"):
                (k.folder / "upstream.conf").write_text("nameserver 127.0.0.78\n")
                # Each worker reads the file for itself, and the port decides which one is asked.
                fresh = (f"a-{i}-{j}.example.org." for i in range(1000) for j in range(8))

                def all_have_switched():
                    asked = [next(fresh) for _ in range(8)]
                    for name in asked:
                        equal(k.udp(name).addresses(), ["192.0.2.1"], name)
                    return not names(up) & set(asked)

                until(all_have_switched, "the other upstream to be asked, by all workers", 15)
                check(any(name.startswith("a-") for name in names(other)), "the other was not asked")


def messages(t, k, up):
    with t.case("flags, TTL and id of an answer"):
        r = k.udp("a-1.example.org.", ident=0x4242)
        equal((r.ident, r.addresses(), r.answer[0].ttl), (0x4242, ["192.0.2.1"], 77))
        check(r.flags & wire.RA and r.flags & wire.RD and not r.flags & wire.AA, f"{r.flags:#06x}")
    with t.case("OPT iff the client sent one"):
        equal(k.udp("a-2.example.org.").edns, None, "OPT")
        r = k.udp("a-2.example.org.", edns=wire.opt(flags=0x8000))
        check(r.edns and r.edns.rclass == 1232 and r.edns_flags == 0x8000, "no OPT as it should be")
    for name, rcode in (("servfail", 2), ("notimp", 4), ("refused", 5), ("nope", 3)):
        with t.case(f"{wire.RCODES[rcode]} of the upstream is passed on"):
            equal(k.udp(f"{name}.example.org.").rcode_text, wire.RCODES[rcode], "rcode")
    with t.case("a truncated answer is fetched over TCP"):
        equal(k.tcp("big.example.org.", "TXT").answer[0].rdata, BIG, "rdata")
        r = k.udp("big.example.org.", "TXT")
        check(r.flags & wire.TC and r.size <= 512, f"{r.flags:#06x}, {r.size} octets")
        r = k.udp("big.example.org.", "TXT", edns=wire.opt())
        check(r.flags & wire.TC and r.size <= 1232, f"{r.flags:#06x}, {r.size} octets")
    with t.case("ids and ports of queries upstream can't be guessed"):
        del up.sources[:]
        for i in range(200):
            k.udp(f"a-{i}.example.org.")
        ids = [ident for _, ident in up.sources]
        check(len(set(ids)) > 190, f"{len(set(ids))} different ids in 200")
        steps = {(b - a) & 0xffff for a, b in zip(ids, ids[1:])}
        check(len(steps) > 150, f"{len(steps)} different steps between ids")
        ports = {port for port, _ in up.sources}
        check(len(ports) >= 8, f"{len(ports)} different ports")
    for name in ("other-question", "other-id"):
        with t.case(f"a reply with {name.replace('-', ' ')} is not taken"):
            r = k.udp(f"{name}.example.org.", timeout=12)
            equal((r.rcode_text, r.answer), ("SERVFAIL", []))
    with t.case("500 queries at once"), concurrent.futures.ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda i: k.udp(f"a-{i}.example.org."), range(500)))
        equal({r and r.rcode_text for r in replies}, {"NOERROR"}, "rcodes")


def silence(t, k):
    """An upstream that says nothing: cluster names go on, the client gets SERVFAIL in the end."""
    with t.case("cluster names are answered at once while an upstream is silent"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waiting:
            waiting.settimeout(12)
            waiting.connect((k.address, k.port))
            for i in range(100):
                waiting.send(wire.query("silent.example.org.", "A", ident=i))
            slowest = 0
            for _ in range(200):
                started = time.monotonic()
                equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
                slowest = max(slowest, time.monotonic() - started)
            check(slowest < 0.1 * t.slack, f"the slowest took {slowest * 1000:.0f} ms")
            started = time.monotonic()
            for _ in range(100):
                equal(wire.parse(waiting.recv(65535)).rcode_text, "SERVFAIL", "rcode")
            check(time.monotonic() - started < 10, "later than 10 s")


def aliases(t):
    """An ExternalName whose upstream fails: the CNAME, SERVFAIL, and why (RFC 6604, RFC 8914)."""
    for name, port in (("says SERVFAIL", None), ("is not there", free_port())):
        with Upstream(lambda query, tcp: reply(query, rcode=2)) as up, \
                Keryx(t, cluster.corefile(port or up.port), FILES) as k, \
                t.case(f"a chain whose upstream {name}: CNAME, SERVFAIL, EDE 22 or 23"):
            r = k.udp(cluster.ALIAS_OUTSIDE, edns=wire.opt(), timeout=12)
            equal((r.rcode_text, [rr.rtype for rr in r.answer]), ("SERVFAIL", [5]))
            codes = [int.from_bytes(data[:2], "big") for code, data in r.edns_options() if code == EDE]
            check(set(codes) & {22, 23}, f"extended errors {codes}")
    with Upstream(cluster.world) as up, Keryx(t, cluster.corefile(up.port), FILES) as k:
        with t.case("a chain that goes on upstream"):
            r = k.udp(cluster.ALIAS_OUTSIDE)
            equal([(rr.owner, rr.rtype) for rr in r.answer],
                  [(cluster.ALIAS_OUTSIDE, 5), ("www.example.com.", 1)], "answer")
        with t.case("a chain inside the zone asks no upstream"):
            before = len(up.asked)
            equal(k.udp(cluster.ALIAS_INSIDE).addresses(), ["10.96.1.1"])
            equal(len(up.asked), before, "queries upstream")


def several(t):
    dead = free_port()
    with Upstream(world) as up:
        text = cluster.corefile(9).replace("127.0.0.1:9", f"127.0.0.1:{dead} 127.0.0.1:{up.port}", 1)
        with Keryx(t, text, FILES) as k, t.case("a dead upstream beside a living one"):
            for i in range(20):
                equal(k.udp(f"a-{i}.example.org.", timeout=8).rcode_text, "NOERROR", "rcode")
        text = cluster.corefile(9).replace("forward . 127.0.0.1:9", f"forward example.org 127.0.0.1:{up.port}")
        with Keryx(t, text, FILES) as k, t.case("forward for one zone only"):
            equal(k.udp("a-1.example.org.").rcode_text, "NOERROR", "rcode")
            check(k.udp("a-1.example.net.").rcode_text in ("REFUSED", "SERVFAIL"), "rcode")
    with Keryx(t, cluster.corefile(dead), FILES) as k, t.case("an upstream that is not there: SERVFAIL"):
        started = time.monotonic()
        equal(k.udp("a-1.example.org.", timeout=12).rcode_text, "SERVFAIL", "rcode")
        check(time.monotonic() - started < 6 * t.slack, "it took too long")
        equal(k.tcp("a-1.example.org.", timeout=12).rcode_text, "SERVFAIL", "rcode over TCP")


def lines(*texts):
    """The Corefile with these `forward` lines instead of the one."""
    return cluster.corefile(9).replace("forward . 127.0.0.1:9", "\n    ".join(texts))


def of_nsd(address):
    return {"example.com": ZONE.replace("192.0.2.80", address)}


def restarted(t):
    """Of two upstreams the first is killed, and comes back."""
    with Nsd(of_nsd("192.0.2.2")) as second, contextlib.ExitStack() as life:
        first = life.enter_context(Nsd(of_nsd("192.0.2.1")))
        port = first.port
        text = lines(f"forward . 127.0.0.1:{port} 127.0.0.1:{second.port} {{",
                     "policy sequential", "health_check 100ms", "max_fails 1", "read_timeout 300ms", "}")

        def answer():
            reply = k.udp("www.example.com.", timeout=8)
            return reply and reply.addresses()

        with Keryx(t, text, FILES) as k:
            with t.case("the first of two upstreams answers, until it is killed"):
                equal(answer(), ["192.0.2.1"])
                life.close()
                for _ in range(50):
                    equal(answer(), ["192.0.2.2"])
            with t.case("an upstream that comes back is asked again"):
                with Nsd(of_nsd("192.0.2.1"), port=port):
                    until(lambda: answer() == ["192.0.2.1"], "the first upstream to be asked", 10 * t.slack)


def all_down(t):
    port = free_port()
    text = lines(f"forward . 127.0.0.1:{port} {{", "health_check 100ms", "max_fails 1",
                 "failfast_all_unhealthy_upstreams", "}")
    with Keryx(t, text, FILES) as k, t.case("all upstreams down, then one up"):
        for i in range(20):
            r = k.udp(f"a-{i}.example.org.", edns=wire.opt(), timeout=8)
            equal((r.rcode_text, [data[:2] for code, data in r.edns_options() if code == EDE]),
                  ("SERVFAIL", [b"\0\x17"]))
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
        with Upstream(world, port=port):
            until(lambda: k.udp("a-1.example.org.").rcode_text == "NOERROR", "an answer", 10 * t.slack)


def other_upstreams(t):
    """failover and next: what one upstream does not have another one may."""
    with Nsd({"example.net": ZONE.replace("example.com", "example.net")}) as without, Nsd(of_nsd("192.0.2.2")) as having:
        two = f"127.0.0.1:{without.port} 127.0.0.1:{having.port}"
        text = lines(f"forward . {two} {{", "policy sequential", "failover REFUSED", "}")
        with Keryx(t, text, FILES) as k, t.case("failover: REFUSED from one of two upstreams"):
            equal(k.udp("www.example.com.").addresses(), ["192.0.2.2"])
            equal(k.udp("www.example.org.").rcode_text, "REFUSED", "rcode where both refuse")
        text = lines(f"forward example.net 127.0.0.1:{without.port} {{", "next NXDOMAIN", "next_on_nodata", "}",
                     f"forward . 127.0.0.1:{having.port}")
        with Keryx(t, text, FILES) as k, t.case("next: another forward line is asked"):
            equal(k.udp("www.example.net.").addresses(), ["192.0.2.80"])
            equal(k.udp("nope.example.net.").rcode_text, "REFUSED", "rcode of the second line")
            equal(k.udp("www.example.net.", "MX").rcode_text, "REFUSED", "rcode of the second line")
            equal(k.udp("www.example.com.").addresses(), ["192.0.2.2"])


def merged(t):
    """Many clients ask for one name while the upstream is slow."""
    def slow(query, tcp):
        if query.questions[0][0] != "version.bind.":  # not what asks whether the server is there
            time.sleep(0.5)
        return world(query, tcp)

    one_worker = ("-dns.port", "0", "-workers", "1")
    with Upstream(slow) as up, Keryx(t, cluster.corefile(up.port), FILES, args=one_worker) as k, \
            t.case("300 clients ask for one name: one query upstream"), contextlib.ExitStack() as stack:
        before = len(up.asked)
        clients = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(300)]
        for i, sock in enumerate(clients):
            name = "a-1.example.org." if i % 2 else "A-1.eXample.ORG."
            sock.sendto(wire.query(name, "A", ident=i), (k.address, k.port))
        for i, sock in enumerate(clients):
            sock.settimeout(5 * t.slack)
            r = wire.parse(sock.recv(65535))
            equal((r.ident, r.addresses()), (i, ["192.0.2.1"]))
            equal(r.questions[0][0], "a-1.example.org." if i % 2 else "A-1.eXample.ORG.", "question")
        equal(len(up.asked) - before, 1, "queries upstream")


def leave_early(t, k):
    """Clients that are gone when their answer comes."""
    with t.case("TCP clients that leave before the upstream answers"):
        for i in range(50):
            with contextlib.suppress(OSError), wire.open_tcp(k.address, k.port) as sock:
                sock.sendall(wire.frame(wire.query("silent.example.org.", ident=i)))
        until(lambda: k.udp(cluster.SERVICE), "an answer", 5)


def stopped(t):
    """The server ends while clients of both protocols wait for an upstream that says nothing."""
    with Upstream(world) as up, Keryx(t, cluster.corefile(up.port), FILES) as k, \
            t.case("the end comes while queries are upstream"):
        held = [wire.open_tcp(k.address, k.port) for _ in range(20)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waiting:
            waiting.connect((k.address, k.port))
            for i, sock in enumerate(held):
                waiting.send(wire.query(f"silent.{i}.example.org.", "A", ident=i))
                sock.sendall(b"".join(wire.frame(wire.query(f"silent.{i}.{j}.example.org.", "A", ident=j))
                                      for j in range(5)) + wire.frame(wire.query(cluster.SERVICE)))
            until(lambda: len(up.asked) >= 100, "the upstream to be asked")
            k.stop()
        for sock in held:
            sock.close()


def run(t):
    with Upstream(world) as up, Keryx(t, cluster.corefile(up.port), FILES) as k:
        messages(t, k, up)
        leave_early(t, k)
        silence(t, k)
    stopped(t)
    aliases(t)
    several(t)
    merged(t)
    restarted(t)
    all_down(t)
    other_upstreams(t)
    to_nsd(t)
    resolv_conf(t)
