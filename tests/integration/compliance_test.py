"""ISC's DNS Compliance Testing (groups EDNS, FULL, COMMON, TYPE) and RFC 8906 section 8.

Real dig asks through a relay that keeps the octets, so that the common rules (rules.py) are judged on
what was really sent. Each probe is asked at the apex, at a Service, at empty non-terminals, at
ExternalNames inside and outside the zone, and at a forwarded zone. Where the name has no SOA record,
NODATA with the zone's SOA in authority stands for the SOA answer.
"""
import re
import shutil
import subprocess
import tempfile

import cluster
import rules
import wire
from harness import Skip, check, equal
from keryx import Keryx
from relay import Relay
from upstream import Upstream

COOKIE = "+cookie=0102030405060708"
EDNS = "+edns=0 +nocookie +noad +norec"
EDNS1 = "+edns=1 +noednsneg +nocookie +noad +norec"
PLAIN = "+noedns +noad +norec"
TSIG_KEY = "hmac-sha256:.:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

# name, options of dig, qtype, rcode
PROBES = [
    ("dns", PLAIN, "SOA", wire.NOERROR),
    ("edns", EDNS, "SOA", wire.NOERROR),
    ("edns1", EDNS1, "SOA", wire.BADVERS),
    ("edns100", "+edns=100 +noednsneg +nocookie +noad +norec", "SOA", wire.BADVERS),
    ("edns@512", f"{EDNS} +dnssec +ignore +bufsize=512", "DNSKEY", wire.NOERROR),
    ("ednsopt", f"{EDNS} +ednsopt=100", "SOA", wire.NOERROR),
    ("edns1opt", f"{EDNS1} +ednsopt=100", "SOA", wire.BADVERS),
    ("do", f"{EDNS} +dnssec", "SOA", wire.NOERROR),
    ("ednsflags", f"{EDNS} +ednsflags=0x0080", "SOA", wire.NOERROR),
    ("ednsflags 0x40", f"{EDNS} +ednsflags=0x0040", "SOA", wire.NOERROR),
    ("edns1flags", f"{EDNS1} +ednsflags=0x0040", "SOA", wire.BADVERS),
    ("optlist", f"+edns=0 +noad +norec +nsid +subnet=0.0.0.0/0 +expire {COOKIE}", "SOA",
     wire.NOERROR),
    ("ednstcp", f"{EDNS} +dnssec +bufsize=512 +tcp", "DNSKEY", wire.NOERROR),
    ("aa", f"{PLAIN} +aaflag", "SOA", wire.NOERROR),
    ("ad", "+noedns +ad +norec", "SOA", wire.NOERROR),
    ("cd", f"{PLAIN} +cd", "SOA", wire.NOERROR),
    ("ra", f"{PLAIN} +raflag", "SOA", wire.NOERROR),
    ("rd", "+noedns +noad +rec", "SOA", wire.NOERROR),
    ("tc", f"{PLAIN} +tcflag", "SOA", wire.NOERROR),
    ("zflag", f"{PLAIN} +zflag", "SOA", wire.NOERROR),
    ("type666", PLAIN, "TYPE666", wire.NOERROR),
    ("type1000", PLAIN, "TYPE1000", wire.NOERROR),
    ("tcp", f"{PLAIN} +tcp", "SOA", wire.NOERROR),
    ("docd", f"{EDNS} +dnssec +cd", "SOA", wire.NOERROR),
    ("edns1do", f"{EDNS1} +dnssec", "SOA", wire.BADVERS),
    ("ednsnsid", f"{EDNS} +nsid", "SOA", wire.NOERROR),
    ("ednscookie", f"+edns=0 +noad +norec {COOKIE}", "SOA", wire.NOERROR),
    ("ednsexpire", f"{EDNS} +expire", "SOA", wire.NOERROR),
    ("ednssubnet", f"{EDNS} +subnet=0.0.0.0/0", "SOA", wire.NOERROR),
    ("edns1nsid", f"{EDNS1} +nsid", "SOA", wire.BADVERS),
    ("edns1cookie", f"+edns=1 +noednsneg +noad +norec {COOKIE}", "SOA", wire.BADVERS),
    ("edns1expire", f"{EDNS1} +expire", "SOA", wire.BADVERS),
    ("edns1subnet", f"{EDNS1} +subnet=0.0.0.0/0", "SOA", wire.BADVERS),
    ("bind11", f"+edns=0 {COOKIE} +noad +norec +dnssec", "SOA", wire.NOERROR),
    ("dig11", f"+edns=0 {COOKIE} +ad +rec", "SOA", wire.NOERROR),
]

TYPES = """A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP
NSAP-PTR SIG KEY PX GPOS AAAA LOC NXT SRV NAPTR KX CERT A6 DNAME APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY
DHCID NSEC3 NSEC3PARAM TLSA SMIMEA HIP CDS CDNSKEY OPENPGPKEY SPF NID L32 L64 LP EUI48 EUI64 URI CAA AVC
DOA DLV HTTPS SVCB TYPE1000""".split()

# Where to ask, and the types that have records there.
PLACES = {
    "apex": (cluster.APEX, {"SOA", "NS"}),
    "service": (cluster.SERVICE, {"A", "SRV"}),
    "empty non-terminal": (cluster.ENT, set()),
    "empty non-terminal _tcp": (cluster.PROTOCOL_ENT, set()),
    "ExternalName inside": (cluster.ALIAS_INSIDE, set()),
    "ExternalName outside": (cluster.ALIAS_OUTSIDE, set()),
    "forwarded": ("example.com.", {"SOA"}),
}


def dig(relay, options, *what):
    """Runs dig through the relay; what passed, at least one pair."""
    relay.take()
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(relay.port), "+tries=1", "+time=5",
                           *options.split(), *what], capture_output=True, text=True, timeout=30,
                          check=False)
    pairs = relay.take()
    check(pairs, f"dig sent nothing: {done.stdout}{done.stderr}")
    for complaint in ("malformed", "bad packet", "Warning: Message", "mismatch", "unexpected"):
        check(complaint not in done.stdout, f"dig complains: {done.stdout}")
    return pairs


def judge(place, qtype, rcode, pair):
    """The common rules, and what the name has to answer to this type."""
    query, octets, tcp = pair
    r = rules.common(query, octets, tcp, authoritative=place != "forwarded")
    equal(r.rcode_text, wire.RCODES[rcode], "rcode")
    if rcode != wire.NOERROR:
        return
    qname, types_there = PLACES[place]
    if place.startswith("ExternalName"):
        check(r.answer and r.answer[0].rtype == wire.TYPES["CNAME"], "no CNAME first")
        equal(r.answer[0].owner, qname, "owner of the CNAME")
        has_data = qtype in ("A", "CNAME") or (qtype == "SRV" and "inside" in place)
        check(len(r.answer) > 1 or not has_data or qtype == "CNAME", "the chain has no end")
        zone = "cluster.local." if "inside" in place else "example.com."
    else:
        has_data = qtype in types_there
        equal(bool(r.answer), has_data, "has an answer")
        zone = "example.com." if place == "forwarded" else "cluster.local."
        if qtype == "SOA" and has_data:
            equal([(rr.owner, rr.rtype) for rr in r.answer], [(zone, wire.TYPES["SOA"])], "answer")
    if not has_data:
        soas = [rr.owner for rr in r.authority if rr.rtype == wire.TYPES["SOA"]]
        # CoreDNS leaves out what the upstream says about the end of a chain; either is fine.
        if place != "ExternalName outside" or soas:
            equal(soas, [zone], "SOA in authority")


def run_probes(t, relay, place):
    qname = PLACES[place][0]
    for name, options, qtype, rcode in PROBES:
        with t.case(f"{name} at {place}"):
            pairs = dig(relay, options, qname, qtype)
            for pair in pairs:
                judge(place, qtype, rcode, pair)


def run_types(t, relay, place):
    """All types by one dig that reads them from a file."""
    qname = PLACES[place][0]
    with t.case(f"every type at {place}"), tempfile.NamedTemporaryFile("w", suffix=".txt") as batch:
        batch.write("".join(f"{PLAIN} {qname} {x}\n" for x in TYPES))
        batch.flush()
        pairs = dig(relay, "", "-f", batch.name)
        pairs = [p for p in pairs if not p[2]]
        equal(len(pairs), len(TYPES), "queries")
        wrong = []
        for qtype, pair in zip(TYPES, pairs):
            try:
                judge(place, qtype, wire.NOERROR, pair)
            except (AssertionError, wire.Malformed) as why:
                wrong.append(f"{qtype}: {why}")
        check(not wrong, "; ".join(wrong))


def run_headers(t, relay, k):
    """Opcodes, flags that dig can't set, and signatures."""
    with t.case("opcode 15, bare header"):
        for query, octets, _ in dig(relay, f"{PLAIN} +header-only +opcode=15", "-q", cluster.APEX):
            equal(len(query), 12, "octets of the query")
            rules.not_implemented(octets)
    everything = wire.AA | wire.TC | wire.RD | wire.RA | wire.Z | wire.AD | wire.CD
    for opcode in (1, 2, 3, 4, 5, 6, 15):
        for label, flags in (("", 0), (", all flags set", everything)):
            with t.case(f"opcode {opcode}{label}"):
                for question in (False, True):
                    octets = wire.header(7, opcode << 11 | flags, qd=int(question))
                    octets += wire.question(cluster.APEX, "SOA") if question else b""
                    reply = wire.ask_udp(k.address, k.port, octets)
                    rules.common(octets, reply, False)
    with t.case("all flags set in a query"):
        octets = wire.query(cluster.APEX, "SOA", flags=everything)
        r = rules.common(octets, wire.ask_udp(k.address, k.port, octets), False)
        equal(r.rcode, wire.NOERROR, "rcode")
        check(not r.flags & (wire.TC | wire.Z), "TC or Z is set")
    with t.case("dnswkk: signed with a key that we don't have"):
        relay.take()
        subprocess.run(["dig", "@127.0.0.1", "-p", str(relay.port), "+tries=1", "+time=5", *PLAIN.split(),
                        "-y", TSIG_KEY, cluster.APEX, "SOA"], capture_output=True, timeout=30,
                       check=False)
        pairs = relay.take()
        check(pairs, "dig sent nothing")
        for _, octets, _ in pairs:
            check(octets is not None, "no reply")
            r = wire.parse(octets)
            equal(r.rcode, wire.NOTAUTH, "rcode")
            check(not r.answer and not r.authority, "records beside NOTAUTH")


def run(t):
    if not shutil.which("dig"):
        raise Skip("dig is not installed")
    version = subprocess.run(["dig", "-v"], capture_output=True, text=True, check=False)
    check(re.search(r"DiG 9\.(1[1-9]|[2-9]\d)", version.stderr + version.stdout), "dig is too old")
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port), {"objects.json": cluster.OBJECTS}) as k, \
            Relay(k.address, k.port) as relay:
        for place in PLACES:
            run_probes(t, relay, place)
            run_types(t, relay, place)
        run_headers(t, relay, k)
        with t.case("alive after it all"):
            check(k.udp(cluster.SERVICE).addresses() == ["10.96.1.1"], "no answer")
