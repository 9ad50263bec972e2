"""What other people's servers answer comes through unchanged: NSD and Knot with a signed zone, Unbound that
validates it, dnsmasq in front of that. Each question is put to the upstream and to the server that forwards
to it, in the same words; dnspython reads both replies.
"""
import concurrent.futures
import contextlib
import itertools
import struct
import time

import cluster
import wire
from daemon import Dnsmasq, Knot, Unbound
from harness import Skip, check, equal, until
from keryx import Keryx
from nsd import Nsd

try:
    import dns.edns
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import rich_zone
except ImportError:
    rich_zone = None

FILES = {"objects.json": cluster.OBJECTS}
DO, NSID, COOKIE = 0x8000, 3, 10
LEAST, MOST, MOST_NEGATIVE = 5, 3600, 1800  # the cache's limits on TTLs
LONGEST_KEPT = 16384

# What differs in a client's words: transport, flags beside RD, its OPT record.
WORDS = {
    "EDNS": (False, 0, wire.opt()), "EDNS 4096": (False, 0, wire.opt(size=4096)), "DO": (False, 0, wire.opt(flags=DO)),
    "DO, CD": (False, wire.CD, wire.opt(flags=DO)), "AD": (False, wire.AD, wire.opt()), "no EDNS": (False, 0, None),
    "no EDNS, CD": (False, wire.CD, None), "TCP, no EDNS": (True, 0, None), "TCP, DO": (True, 0, wire.opt(flags=DO)),
    "TCP, DO, CD": (True, wire.CD, wire.opt(flags=DO)), "TCP, AD": (True, wire.AD, None),
}
CACHED_WORDS = ("EDNS", "DO", "DO, CD", "AD", "no EDNS", "TCP, DO")
CACHES = ("Unbound", "dnsmasq")  # the upstreams that have one, or ask one that has
AGE = 2.5  # seconds after which TTLs must have gone down


class Read:
    """A reply by dnspython's reading; wire.parse() has no objection to its form either."""

    def __init__(self, octets, known_since):
        wire.parse(octets)
        self.octets, self.known_since, self.at = octets, known_since, time.monotonic()
        self.message = dns.message.from_wire(octets, one_rr_per_rrset=True)
        self.rcode = dns.rcode.to_text(self.message.rcode())
        self.flags = self.message.flags
        self.answer, self.authority, self.additional = map(
            ttls, (self.message.answer, self.message.authority, self.message.additional))


def ttls(section):
    """{(owner, class, type, rdata), all in canonical form: TTL}"""
    records = {}
    for rrset in section:
        for rr in rrset:
            key = (rrset.name.canonicalize().to_text(), rrset.rdclass, dns.rdatatype.to_text(rrset.rdtype),
                   rr.to_digestable())
            check(key not in records, f"a record twice: {key}")
            records[key] = rrset.ttl
    return records


def ask(server, octets, tcp):
    asked = time.monotonic()
    reply = (wire.ask_tcp if tcp else wire.ask_udp)(server.address, server.port, octets)
    check(reply is not None, "no reply")
    return Read(reply, asked)


def put(question, words, options=b""):
    """The query's octets."""
    tcp, flags, edns = WORDS[words]
    if options:
        edns = wire.opt(options=options)
    qname, qtype = question
    return wire.query(qname, dns.rdatatype.from_text(qtype), flags=wire.RD | flags, edns=edns), tcp


def reference(upstream, question, words):
    """What the upstream says to these words. The server asks it with EDNS, over TCP if that is too long."""
    tcp, flags, edns = WORDS[words]
    octets = wire.query(question[0], dns.rdatatype.from_text(question[1]), flags=wire.RD | flags,
                        edns=edns if tcp else wire.opt(flags=DO if "DO" in words else 0))
    reply = ask(upstream, octets, tcp)
    if reply.flags & dns.flags.TC:
        reply = ask(upstream, octets, True)
    # Unbound keeps a zone's SOA record, with what is left of its TTL, from whatever was asked first.
    reply.known_since = upstream.known_since or reply.known_since
    return reply


def size_without_additional(octets):
    """Where the additional section begins, and room for an OPT record."""
    _, at = wire.read_name(octets, 12)
    at += 4
    for _ in range(sum(struct.unpack_from("!2H", octets, 6))):
        _, at = wire.read_name(octets, at)
        at += 10 + struct.unpack_from("!H", octets, at + 8)[0]
    return at


def compare_header(got, want, words, limit):
    """Code, flags but TC, and OPT."""
    _, flags, edns = WORDS[words]
    equal(got.rcode, want.rcode, "rcode")
    heard = want.flags & wire.AD if flags & wire.AD or "DO" in words else 0  # RFC 6840 §5.7, §5.8
    equal(got.flags & ~0xf & ~wire.TC, wire.QR | wire.RD | wire.RA | flags & wire.CD | heard, "flags")
    check(len(got.octets) <= limit, f"{len(got.octets)} octets, where {limit} are allowed")
    equal(got.message.edns, -1 if edns is None else 0, "EDNS version")
    if edns:
        equal((got.message.payload, got.message.ednsflags), (1232, DO if "DO" in words else 0), "OPT")
        # The upstream's own options are none of ours; that it failed is one (RFC 8914).
        failed = want.rcode not in ("NOERROR", "NXDOMAIN")
        equal([option.otype for option in got.message.options], [dns.edns.EDE] if failed else [], "EDNS options")


def same_records(got, want, what, lower):
    """The same records; TTLs up to a second more, or `lower` seconds less."""
    equal(sorted(got), sorted(want), what)
    for key, ttl in got.items():
        check(want[key] - lower <= ttl <= want[key] + 1, f"{what}: TTL {ttl} of {key}, the upstream's is {want[key]}")


def compare(got, want, whole, words):
    """`whole`: the server's reply over TCP, which says what did not fit into a datagram."""
    tcp, _, edns = WORDS[words]
    limit = 65535 if tcp else 1232 if edns else 512
    compare_header(got, want, words, limit)
    needed = size_without_additional(whole.octets) + (11 if edns else 0)
    if got.flags & dns.flags.TC:
        check(needed > limit, f"TC, though {needed} octets fit into {limit}")
        check(set(got.answer) <= set(want.answer), "other records in a truncated answer")
        return
    passed = int(got.at - want.known_since)
    same_records(got.answer, want.answer, "answer", 1 + passed)
    same_records(got.authority, want.authority, "authority", 1 + passed)
    if set(got.additional) != set(want.additional):  # RFC 2181 §9: left out, for want of room alone
        check(set(got.additional) < set(want.additional), "additional records of our own")
        check(len(got.octets) > limit - 200, f"additional records left out, with {len(got.octets)} of {limit} octets")
    same_records(got.additional, {key: want.additional[key] for key in got.additional}, "additional", 1 + passed)


def judged(failures, what, judge, *args):
    try:
        judge(*args)
    except (AssertionError, wire.Malformed) as why:
        failures.append(f"{what}: {why}")


def passed_on(t, name, upstream, questions):
    """Without a cache: word for word."""
    with Keryx(t, cluster.corefile(upstream.port), FILES) as k:
        for words in WORDS:
            failures = []
            with t.case(f"{name}: {len(questions)} answers are passed on ({words})"):
                for question in questions:
                    octets, tcp = put(question, words)
                    want = reference(upstream, question, words)
                    got = ask(k, octets, tcp)
                    whole = got if tcp else ask(k, octets, True)
                    judged(failures, question, compare, got, want, whole, words)
                check(not failures, f"{len(failures)} differ: {failures[:3]}")
        with t.case(f"{name}: a client's options stay with us"):
            octets, _ = put((rich_zone.ZONE, "SOA"), "EDNS", wire.option(NSID) + wire.option(COOKIE, b"12345678"))
            equal([o.otype for o in ask(k, octets, False).message.options], [], "options")
            if name == "Knot":
                check(ask(upstream, octets, False).message.options, "the upstream has no NSID either")


def is_kept(reply, question):
    """Whether the cache may keep it, by what the upstream said: no refusal, no referral, no half of a chain,
    not too long. What is said over TCP and over UDP must not differ: one entry serves both.
    """
    if reply.rcode not in ("NOERROR", "NXDOMAIN") or len(reply.octets) > LONGEST_KEPT or question[1] == "RRSIG":
        return False
    return any(question[1] in (key[2], "ANY") for key in reply.answer) or \
        any(key[2] == "SOA" for key in reply.authority)


def kept_ttl(reply, ttl):
    """A TTL of the upstream as the cache hands it out at first."""
    minima = [min(soa_ttl, int.from_bytes(key[3][-4:], "big")) for key, soa_ttl in reply.authority.items()
              if key[2] == "SOA"]
    if minima:
        return min(max(ttl, LEAST), min(max(minima[0], LEAST), MOST_NEGATIVE))
    return min(max(ttl, LEAST), MOST)


def compare_cached(reply, want, words, stored=None):
    """`stored`: this is a hit, and it was in the cache at that time. TTLs count from then."""
    if reply.flags & dns.flags.TC:
        check(not WORDS[words][0], "TC over TCP")
        return
    for section in ("answer", "authority"):
        limited = {key: kept_ttl(want, ttl) for key, ttl in getattr(want, section).items()}
        got = getattr(reply, section)
        same_records(got, limited, section, reply.at - want.known_since + 2)
        if stored is not None:
            age = int(reply.at - stored)
            check(all(ttl <= limited[key] - age + 1 for key, ttl in got.items()), f"TTLs in {section} after {age} s")
    check(stored is None or not reply.additional, "a hit with additional records")


def into_cache(k, asked, failures):
    """Each question twice; the first replies."""
    first = {}
    for question, words, want in asked:
        octets, tcp = put(question, words)
        for _ in range(2):
            reply = ask(k, octets, tcp)
            first.setdefault((question, words), reply)
            judged(failures, (question, words), compare_header, reply, want, words, 65535)
            judged(failures, (question, words), compare_cached, reply, want, words)
    return first


def out_of_cache(k, asked, first, failures):
    for question, words, want in asked:
        octets, tcp = put(question, words)
        reply, before = ask(k, octets, tcp), first[question, words]
        judged(failures, (question, words), compare_header, reply, before, words, 65535)
        judged(failures, (question, words), compare_cached, reply, want, words, before.at)


def cached(t, name, upstream, stop, questions):
    """Miss, hit, and a hit when the upstream is gone: three times the same."""
    with Keryx(t, cluster.corefile(upstream.port, "cache"), FILES) as k:
        asked = [(question, words, reference(upstream, question, words))
                 for words, question in itertools.product(CACHED_WORDS, questions)]
        asked = [each for each in asked if is_kept(each[2], each[0])]
        failures, started = [], time.monotonic()
        with t.case(f"{name}: {len(asked)} answers go into the cache and come out of it"):
            first = into_cache(k, asked, failures)
            check(not failures, f"{len(failures)} differ: {failures[:3]}")
        stop()
        failures = []
        with t.case(f"{name} is gone: its answers are still here, older"):
            until(lambda: time.monotonic() > started + AGE, "TTLs to go down")
            check(time.monotonic() - started < 200, "too slow: what lives shortest may have expired")
            out_of_cache(k, asked, first, failures)
            check(not failures, f"{len(failures)} differ: {failures[:3]}")


def compare_all(t, name, make, questions):
    started = time.monotonic()
    try:
        with contextlib.ExitStack() as life:
            upstream = life.enter_context(make())
            upstream.known_since = started if name in CACHES else None
            passed_on(t, name, upstream, questions)
            cached(t, name, upstream, life.close, questions)
    except Skip as why:
        t.skip(name, why)
    except Exception as error:  # noqa: BLE001 - the other upstreams still count
        t.fail(name, f"{type(error).__name__}: {error}")


def run(t):
    if rich_zone is None:
        raise Skip("dnspython is not installed")
    zone = rich_zone.ZONE
    everything = rich_zone.QUESTIONS + rich_zone.BEYOND
    with Knot(zone, rich_zone.TEXT) as signer:
        text, anchors = rich_zone.transfer(signer)

        def behind_unbound(life):
            return Dnsmasq(zone, life.enter_context(Unbound(zone, [signer.port], anchors)))

        with contextlib.ExitStack() as life, concurrent.futures.ThreadPoolExecutor() as pool:
            for name, make, questions in (
                    ("NSD", lambda: Nsd({zone: text}), everything),
                    ("Knot", lambda: Knot(zone, rich_zone.TEXT), everything),
                    ("Unbound", lambda: Unbound(zone, [signer.port], anchors), rich_zone.QUESTIONS),
                    ("dnsmasq", lambda: behind_unbound(life), rich_zone.QUESTIONS)):
                pool.submit(compare_all, t, name, make, questions)
