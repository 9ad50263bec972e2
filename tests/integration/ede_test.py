"""Extended DNS Errors as dig shows them, over the cluster of examples/kubia: what is wrong, in words.

Each case has its exact text. What a client without EDNS gets is the same to the octet, with `ede off` as well.
"""
import re
import subprocess

import wire
from harness import check, equal, free_port, until
from keryx import Keryx
from upstream import Upstream, reply

EDE = re.compile(r"^; EDE: (\d+)(?: \([^)]*\))?(?:: \((.*)\))?$", re.MULTILINE)
STATUS = re.compile(r"status: (\w+)")
COREFILE = """
cluster.local in-addr.arpa example.com {{
    bind 127.0.0.1
    {ede}
    acl blocked.example.com {{
        block
    }}
    kubernetes cluster.local in-addr.arpa {{
        manifests cluster
        pods insecure
        ttl 30
    }}
    {cache}
    forward . {upstreams} {{
        read_timeout 200ms
    }}
    loadbalance
}}
"""
# What an upstream gives as the reason.
SAID = {"bogus": (wire.SERVFAIL, 6, "signature expired"), "listed": (wire.NXDOMAIN, 15, "on a list"),
        "bare": (wire.NXDOMAIN, 17, "")}
SOA = wire.record("example.com.", "SOA", 1, 60, wire.name("ns.example.com.") * 2 + bytes(19) + b"\x3c")
HEADLESS = "kubia-headless.default.svc.cluster.local"
UNREADY = (0, 'service kubia-headless has 0 of 3 endpoints ready')
# Name, type, rcode, code and text.
MISTYPED = [
    ("kubia.prd.svc.cluster.local", "A", "NXDOMAIN", 0, 'no namespace "prd"'),
    ("kubai.default.svc.cluster.local", "A", "NXDOMAIN", 0, 'no service "kubai" in namespace "default"'),
    ("_htp._tcp.kubia.default.svc.cluster.local", "SRV", "NXDOMAIN", 0,
     'service kubia has no port "htp"/tcp (has http-default, http-mux1)'),
    ("_dns._tcp.kube-dns.kube-system.svc.cluster.local", "SRV", "NXDOMAIN", 0,
     'service kube-dns has no port "dns"/tcp (has dns/udp, dns-tcp, metrics)'),
    ("_http._tcp.kubia-nodeport.default.svc.cluster.local", "SRV", "NXDOMAIN", 0,
     'service kubia-nodeport has no port "http"/tcp (its ports have no names)'),
    ("kubia.default.svc.cluster.local", "AAAA", "NOERROR", 0, "service kubia has no IPv6 address"),
    ("10-0-9-9.kubia.default.svc.cluster.local", "A", "NXDOMAIN", 0,
     'service kubia has no ready endpoint "10-0-9-9" (3 of 3 ready)'),
    ("kubia.default.cluster.local", "A", "NXDOMAIN", 0,
     "names of services are <service>.<namespace>.svc in this zone"),
    ("1.2.3.4.in-addr.arpa", "PTR", "NXDOMAIN", 0, "no service and no ready endpoint has this address"),
]
REFUSED = [
    ("www.blocked.example.com", "A", "REFUSED", 15, "blocked by acl"),
    ("www.example.org", "A", "REFUSED", 20, "no server block is for this name"),
    ("cluster.local", "AXFR", "REFUSED", 21, "zone transfers are not served"),
]


def dig(k, *what):
    """(rcode, [(code, text)]) of what dig prints, and all of it."""
    done = subprocess.run(["dig", f"@{k.address}", "-p", str(k.port), "+tries=1", "+time=10", *what],
                          capture_output=True, text=True, check=False, timeout=30)
    status = STATUS.search(done.stdout)
    check(status, done.stdout + done.stderr)
    return status[1], [(int(code), text) for code, text in EDE.findall(done.stdout)], done.stdout


def shown(k, *what):
    return dig(k, *what)[:2]


def serve(t, upstreams, ede="", cache=""):
    folder = t.root / "examples/kubia/cluster"
    files = {f"cluster/{path.name}": path.read_text() for path in folder.glob("*.yaml")}
    text = COREFILE.format(upstreams=upstreams, ede=ede, cache=cache)
    return Keryx(t, text, files)


def answer(query, tcp):
    """short lives for a second; servfail says so; silent says nothing; others give a reason."""
    first = query.questions[0][0].lower().split(".")[0]
    if first == "silent":
        return None
    if first == "servfail":
        return reply(query, rcode=wire.SERVFAIL)
    if first in SAID:
        rcode, code, text = SAID[first]
        said = wire.opt(options=wire.option(15, code.to_bytes(2, "big") + text.encode()))
        if rcode == wire.NXDOMAIN:
            return reply(query, SOA + said, rcode=rcode, authority=1, additional=1)
        return reply(query, said, rcode=rcode, additional=1)
    return reply(query, wire.record(query.questions[0][0], "A", 1, 1 if first == "short" else 60, bytes([192, 0, 2, 1])), 1)


def words(t, k):
    for name, rtype, rcode, code, text in MISTYPED + REFUSED:
        with t.case(f"{name} {rtype}: {code} {text}"):
            if rtype == "AXFR":  # dig shows no header of a transfer
                said = k.udp(name + ".", rtype, edns=wire.opt())
                equal((said.rcode_text, said.edns_options()),
                      (rcode, [(15, code.to_bytes(2, "big") + text.encode())]))
                continue
            equal(shown(k, name, rtype), (rcode, [(code, text)]))
            equal(shown(k, name, rtype, "+tcp"), (rcode, [(code, text)]), "over TCP")
    with t.case("what is found has no word"):
        equal(shown(k, "kubia.default.svc.cluster.local"), ("NOERROR", []))
        equal(shown(k, "www.example.com"), ("NOERROR", []))


def no_queries(t, k):
    """What is no query that we answer, from dig where it can."""
    name = "kubia.default.svc.cluster.local"
    with t.case("an EDNS version that is not known, and an opcode that is not served"):
        equal(shown(k, name, "+edns=1", "+noednsnegotiation"), ("BADVERS", [(0, "EDNS version 1 is not known, 0 is")]))
        equal(shown(k, name, "+opcode=notify"), ("NOTIMP", [(21, "only opcode QUERY is served")]))
        equal(shown(k, name, "+opcode=update", "+noedns"), ("NOTIMP", []))
    with t.case("malformed queries, where their OPT can be read"):
        plain, opt = wire.query(name + ".", edns=None), wire.opt()
        for octets, text in [(wire.query(name + ".", edns=opt) + b"\0", "octets behind the last record"),
                             (plain[:10] + b"\0\2" + plain[12:] + opt * 2, "more than one OPT record"),
                             (wire.header(1, 0, qd=0, ar=1) + opt, "no question"), (plain + b"\0", None)]:
            said = wire.parse(wire.ask_udp(k.address, k.port, octets))
            want = [] if text is None else [(15, b"\0\0malformed query: " + text.encode())]
            equal((said.rcode_text, said.edns_options() if said.edns else []), ("FORMERR", want))


def readiness(t, k):
    path = k.folder / "cluster/endpointslices.yaml"
    before = path.read_text()
    begin = before.index("  endpoints:", before.index("port: 6443"))
    end = before.index("kind: EndpointSlice", begin)
    check("10.0.2.5" in before[begin:end] and before[begin:end].count("ready: ") == 3, before[begin:end])

    def write(text):
        beside = path.with_name(".new")
        beside.write_text(text)
        beside.rename(path)

    with t.case("pods that become unready: the words count them"):
        equal(shown(k, HEADLESS), ("NOERROR", []))
        write(before[:begin] + before[begin:end].replace("ready: true", "ready: false") + before[end:])
        until(lambda: shown(k, HEADLESS) == ("NXDOMAIN", [UNREADY]), f"{UNREADY}, not {shown(k, HEADLESS)}")
        equal(shown(k, HEADLESS, "SRV"), ("NXDOMAIN", [UNREADY]))
        equal(shown(k, "10-0-0-8." + HEADLESS), ("NXDOMAIN", [UNREADY]))
        equal(shown(k, HEADLESS.replace("headless", "headless-all")), ("NOERROR", []), "publishNotReadyAddresses")
    with t.case("a pod that is ready again takes the words away"):
        write(before)
        until(lambda: shown(k, HEADLESS) == ("NOERROR", []), "an answer without words")


def upstreams(t):
    refusing = free_port()
    with serve(t, f"127.0.0.1:{refusing}", cache="cache {\n servfail 30s\n }") as k:
        text = f"upstream 127.0.0.1:{refusing}: connection refused"
        with t.case("an upstream that refuses: 23, then 13 from the cache, both naming it"):
            equal(shown(k, "www.example.com"), ("SERVFAIL", [(23, text)]))
            equal(shown(k, "www.example.com"), ("SERVFAIL", [(13, text)]))
    with Upstream(answer) as up, serve(t, f"127.0.0.1:{up.port}", cache="cache {\n servfail 30s\n }") as k:
        text = f"upstream 127.0.0.1:{up.port} timed out"
        with t.case("an upstream that is a black hole: 22, then 13 from the cache, both naming it"):
            equal(shown(k, "silent.example.com"), ("SERVFAIL", [(22, text)]))
            equal(shown(k, "silent.example.com"), ("SERVFAIL", [(13, text)]))
        with t.case("an upstream's own SERVFAIL, fresh and cached"):
            text = f"upstream 127.0.0.1:{up.port} answered SERVFAIL"
            equal(shown(k, "servfail.example.com"), ("SERVFAIL", [(0, text)]))
            equal(shown(k, "servfail.example.com"), ("SERVFAIL", [(13, text)]))
        with t.case("an upstream's own reason is passed on as its own, fresh and cached"):
            who = f"upstream 127.0.0.1:{up.port}"
            for name, rcode, code, text in [
                    ("bogus", "SERVFAIL", 6, f'{who} answered SERVFAIL: "signature expired"'),
                    ("listed", "NXDOMAIN", 15, f'{who}: "on a list"'), ("bare", "NXDOMAIN", 17, f"{who} says so")]:
                equal(shown(k, f"{name}.example.com"), (rcode, [(code, text)]))
                asked = len(up.asked)
                equal(shown(k, f"{name}.example.com"), (rcode, [(code, text)]), "cached")
                equal(len(up.asked), asked, "asked again")
    with Upstream(answer) as up, \
            serve(t, f"127.0.0.1:{up.port}", cache="cache {\n success 9984 1 0\n serve_stale 1h\n }") as k, \
            t.case("a stale answer says so"):
        equal(shown(k, "short.example.com"), ("NOERROR", []))
        up.answer = lambda query, tcp: None
        until(lambda: shown(k, "short.example.com") == ("NOERROR", [(3, "an expired answer from the cache")]),
              "a stale answer", 15 * t.slack)


def octets(k, name, rtype, edns=None):
    return wire.ask_udp(k.address, k.port, wire.query(name + ".", rtype, edns=edns), 5)


def off(t, on):
    """The same server block without words; `on` is the one with them. Its clock tells its SOA's serial."""
    asked = [(name, rtype) for name, rtype, *_ in MISTYPED + REFUSED]

    def without_serial(message):
        parsed = wire.parse(message)
        soa = [rr for rr in parsed.authority if rr.rtype == wire.TYPES["SOA"]]
        return message.replace(soa[0].rdata[-20:-16], bytes(4)) if soa else message

    with Upstream(answer) as up, serve(t, f"127.0.0.1:{up.port}", ede="ede off") as k:
        with t.case("`ede off`: the same rcodes and records, and no word"):
            for name, rtype, rcode, *_ in MISTYPED + REFUSED:
                told = wire.parse(octets(on, name, rtype, wire.opt()))
                quiet = wire.parse(octets(k, name, rtype, wire.opt()))
                equal(quiet.rcode_text, rcode, name)
                equal([len(told.answer), len(told.authority)], [len(quiet.answer), len(quiet.authority)], name)
                equal([code for code, _ in told.edns_options()], [15], name)
                equal(quiet.edns_options(), [], name)
            equal(shown(k, "kubia.default.svc.cluster.local", "+opcode=notify"), ("NOTIMP", []))
        with t.case("without EDNS: octet for octet the same, whatever `ede` says"):
            for name, rtype in asked:
                with_words, without = octets(on, name, rtype), octets(k, name, rtype)
                equal(without_serial(with_words), without_serial(without), name)
                check(wire.parse(with_words).edns is None, f"OPT without being asked for: {name}")
        with t.case("a word makes no reply truncated"):
            for name, rtype in asked:
                r = wire.parse(octets(on, name, rtype, wire.opt(512)))
                check(not r.flags & wire.TC and r.size <= 512, f"{name}: {r.size} octets")


def run(t):
    with Upstream(answer) as up, serve(t, f"127.0.0.1:{up.port}") as k:
        words(t, k)
        no_queries(t, k)
        readiness(t, k)
        off(t, k)
    upstreams(t)
