"""Messages that no client should send, each as one raw packet, over UDP and over TCP.

After each the server must be alive and answer. What comes back is parsed by the strict reader.
"""
import os
import random

import cluster
import rules
import wire
from harness import check, equal
from keryx import Keryx
from upstream import Upstream

ID = 0x2b2b
SILENCE = "silence"
QUESTION = wire.question(cluster.SERVICE)
SOA = wire.record(cluster.APEX, "SOA", 1, 0, b"\0\0" + b"\0" * 20)
A = wire.record(cluster.SERVICE, "A", 1, 0, b"\1\2\3\4")


def message(body=b"", qd=1, an=0, ns=0, ar=0, flags=0):
    return wire.header(ID, flags, qd, an, ns, ar) + body


def named(octets, qtype="A"):
    """A query whose qname is these octets, right or wrong."""
    return message(octets + wire.question("", qtype)[1:])


def long_name(size):
    """A name of `size` octets under cluster.local."""
    tail = wire.name("cluster.local.")
    head, left = b"", size - len(tail)
    while left > 0:
        length = min(63, left - 1)
        if left - 1 - length == 1:  # a label of one octet can't follow
            length -= 1
        head += bytes([length]) + b"x" * length
        left -= 1 + length
    return head + tail


# name, octets, what is to come back
PACKETS = [
    ("no octets after the length of a header", b"\x2b\x2b\0", SILENCE),
    ("eleven octets", message()[:11], SILENCE),
    ("one octet", b"\0", SILENCE),
    ("a response", message(QUESTION, flags=wire.QR), SILENCE),
    ("a response with a truncated question", message(QUESTION[:5], flags=wire.QR), SILENCE),
    ("no question", message(qd=0), wire.FORMERR),
    ("two questions", message(QUESTION * 2, qd=2), wire.FORMERR),
    ("a promised question and none", message(), wire.FORMERR),
    ("no question but an OPT record", message(wire.opt(), qd=0, ar=1), wire.FORMERR),
    ("a promised question and an OPT record", message(wire.opt(), ar=1), wire.FORMERR),
    ("65,535 promised questions", message(QUESTION, qd=65535), wire.FORMERR),
    ("65,535 promised additional records", message(QUESTION, ar=65535), wire.FORMERR),
    ("a question cut in its name", message(QUESTION[:9]), wire.FORMERR),
    ("a question without its class", message(QUESTION[:-2]), wire.FORMERR),
    ("one octet behind the question", message(QUESTION + b"\0"), wire.FORMERR),
    ("octets behind the OPT record", message(QUESTION + wire.opt() + b"rest", ar=1), wire.FORMERR),
    ("a name of 255 octets", named(long_name(255)), wire.NXDOMAIN),
    ("a name of 256 octets", named(long_name(256)), wire.FORMERR),
    ("a name of 320 octets", named(long_name(320)), wire.FORMERR),
    ("a label of 63 octets", named(b"\x3f" + b"x" * 63 + wire.name(cluster.APEX)), wire.NXDOMAIN),
    ("a label of 64 octets", named(b"\x40" + b"x" * 64 + wire.name(cluster.APEX)), wire.FORMERR),
    ("an extended label type", named(b"\x41" + b"x" + wire.name(cluster.APEX)), wire.FORMERR),
    ("a label type that is reserved", named(b"\x80" + b"x" + wire.name(cluster.APEX)), wire.FORMERR),
    ("120 labels", named(b"\1x" * 119 + wire.name("cluster.local.")[8:]), None),
    ("a name of nothing but its end", named(b"\0"), None),
    ("a pointer to itself", named(b"\xc0\x0c"), wire.FORMERR),
    ("a pointer forward", named(b"\xc0\x20"), wire.FORMERR),
    ("a pointer into the header", named(b"\xc0\x00"), wire.FORMERR),
    ("a pointer behind a label, to that label", named(b"\3web\xc0\x0c"), wire.FORMERR),
    ("a pointer behind a label, past the end", named(b"\3web\xff\xff"), wire.FORMERR),
    ("half a pointer", message(b"\3web\xc0"), wire.FORMERR),
    ("zeros for a body", message(b"\0" * 500), wire.FORMERR),
    ("0xff for a body", message(b"\xff" * 500), wire.FORMERR),
    ("a message of nothing but 0xff", b"\xff" * 64, SILENCE),
    ("two OPT records", message(QUESTION + wire.opt() * 2, ar=2), wire.FORMERR),
    ("an OPT record in the answer section", message(QUESTION + wire.opt(), an=1), wire.FORMERR),
    ("an OPT record in the authority section", message(QUESTION + wire.opt(), ns=1), wire.FORMERR),
    ("an OPT record that is not at the root",
     message(QUESTION + wire.record("x.", "OPT", 1232, 0, b""), ar=1), wire.FORMERR),
    ("an OPT record that is cut", message(QUESTION + wire.opt()[:-3], ar=1), wire.FORMERR),
    ("an OPT record whose rdata runs over", message(QUESTION + wire.opt()[:-2] + b"\0\x10", ar=1),
     wire.FORMERR),
    ("an EDNS option that runs over",
     message(QUESTION + wire.opt(options=b"\0\x64\0\x20ab"), ar=1), wire.FORMERR),
    ("half an EDNS option", message(QUESTION + wire.opt(options=b"\0\x64\0"), ar=1), wire.FORMERR),
    ("an EDNS size of 0", message(QUESTION + wire.opt(size=0), ar=1), wire.NOERROR),
    ("an EDNS size of 65,535", message(QUESTION + wire.opt(size=65535), ar=1), wire.NOERROR),
    ("fifty unknown EDNS options",
     message(QUESTION + wire.opt(options=wire.option(65001, b"abcd") * 50), ar=1), wire.NOERROR),
    ("a TSIG record", message(QUESTION + wire.tsig(), ar=1), wire.NOTAUTH),
    ("an OPT and a TSIG record", message(QUESTION + wire.opt() + wire.tsig(), ar=2), wire.NOTAUTH),
    ("two TSIG records", message(QUESTION + wire.tsig() * 2, ar=2), wire.FORMERR),
    ("a TSIG record that is not the last", message(QUESTION + wire.tsig() + wire.opt(), ar=2),
     wire.FORMERR),
    ("class CH", message(wire.question(cluster.SERVICE, "A", 3)), wire.REFUSED),
    ("class ANY", message(wire.question(cluster.SERVICE, "A", 255)), wire.REFUSED),
    ("class NONE", message(wire.question(cluster.SERVICE, "A", 254)), wire.REFUSED),
    ("class HS with EDNS", message(wire.question(cluster.SERVICE, "A", 4) + wire.opt(), ar=1),
     wire.REFUSED),
    ("AXFR", message(wire.question(cluster.APEX, "AXFR")), wire.REFUSED),
    ("AXFR of a reverse zone", message(wire.question("in-addr.arpa.", "AXFR")), wire.REFUSED),
    ("IXFR", message(wire.question(cluster.APEX, "IXFR") + SOA, ns=1), wire.REFUSED),
    ("type ANY", message(wire.question(cluster.SERVICE, "ANY")), wire.NOERROR),
    ("type ANY at a name that is not there",
     message(wire.question("nope.prod.svc.cluster.local.", "ANY")), wire.NXDOMAIN),
    ("type 0", message(wire.question(cluster.SERVICE, 0)), None),
    ("type 65535", message(wire.question(cluster.SERVICE, 65535)), wire.NOERROR),
    ("a name of octets that are no letters",
     named(b"\4\0\xff.\\" + wire.name("prod.svc.cluster.local.")), wire.NXDOMAIN),
    ("an ordinary record in the answer section", message(QUESTION + A, an=1), None),
]
# Header alone or with a question, and all flags set or none: the same bare header comes back.
UNSUPPORTED = [("IQUERY", 1), ("STATUS", 2), ("NOTIFY", 4), ("UPDATE", 5), ("DSO", 6), ("opcode 9", 9)]


def judge(octets, reply, want):
    if want == SILENCE:
        check(reply is None, f"an answer: {reply!r}")
        return
    check(reply is not None, "no reply")
    r = wire.parse(reply)
    equal(r.ident, ID, "id")
    check(r.flags & wire.QR, "QR is clear")
    check(not r.flags & wire.Z, "Z is set")
    if want is not None:
        equal(r.rcode_text, wire.RCODES[want], "rcode")
    if want in (wire.NOERROR, wire.NXDOMAIN):
        rules.common(octets, reply, tcp=False)
    if want in (wire.FORMERR, wire.REFUSED, wire.NOTAUTH):
        check(not r.answer and not r.authority, "records beside an error")
        check(not r.flags & wire.TC, "TC beside an error")


def over_tcp(k, octets, want):
    """Silence over TCP may be a closed connection."""
    with wire.open_tcp(k.address, k.port) as sock:
        sock.settimeout(0.3 if want == SILENCE else 5)
        sock.sendall(wire.frame(octets))
        try:
            return wire.read_frame(sock)
        except TimeoutError:
            return None


def run(t):
    with Upstream(cluster.world) as up, \
            Keryx(t, cluster.corefile(up.port), {"objects.json": cluster.OBJECTS}) as k:
        for name, octets, want in PACKETS:
            with t.case(name):
                seconds = 0.1 if want == SILENCE else 5
                judge(octets, wire.ask_udp(k.address, k.port, octets, seconds), want)
                if name == "no question but an OPT record":
                    reply = wire.parse(wire.ask_udp(k.address, k.port, octets))
                    check(reply.edns is not None, "an OPT record was read and none came back")
                judge(octets, over_tcp(k, octets, want), want)
                equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "the next answer")
        for name, opcode in UNSUPPORTED:
            with t.case(f"{name} is not implemented"):
                for body, qd in ((b"", 0), (wire.question(cluster.APEX, "SOA"), 1)):
                    for flags in (0, wire.AA | wire.TC | wire.RD | wire.RA | wire.Z | wire.AD | wire.CD):
                        octets = message(body, qd=qd, flags=opcode << 11 | flags)
                        rules.not_implemented(wire.ask_udp(k.address, k.port, octets))
                        rules.not_implemented(over_tcp(k, octets, wire.NOTIMP))
        with t.case("the case of the question comes back"):
            r = k.udp("wEb.PrOd.SvC.cLuStEr.LoCaL.", "A")
            equal(r.questions[0][0], "wEb.PrOd.SvC.cLuStEr.LoCaL.", "question")
            equal(r.answer[0].owner, "wEb.PrOd.SvC.cLuStEr.LoCaL.", "owner")
        with t.case("class CH outside the cluster is forwarded"):
            before = len(up.asked)
            check(k.udp("version.bind.", "TXT", qclass=3) is not None, "no reply")
            check(len(up.asked) > before, "the upstream was not asked")
        with t.case("random octets"):
            fuzz(k)


def fuzz(k):
    """Packets with a few octets changed; only life is asked for, and strict form."""
    count = 200_000 if os.environ.get("KERYX_LONG") == "yes" else 2000
    source = random.Random(1)
    base = [octets for _, octets, _ in PACKETS if len(octets) >= 12]
    for _ in range(count):
        octets = bytearray(source.choice(base))
        for _ in range(source.randrange(1, 4)):
            octets[source.randrange(len(octets))] = source.randrange(256)
        octets[2] &= 0x7f
        reply = wire.ask_udp(k.address, k.port, bytes(octets), 0.02)
        if reply is not None:
            wire.parse(reply)
    equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "the next answer")
