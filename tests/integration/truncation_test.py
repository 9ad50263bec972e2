"""Answers that are larger than a datagram, or than any message: a valid part, TC, all over TCP.

Also the order of addresses, which only `loadbalance` may change.
"""
import cluster
import wire
from harness import check, equal, until
from keryx import Keryx

MANY = "many.prod.svc.cluster.local."      # 200 endpoints
CROWD = "crowd.prod.svc.cluster.local."    # 6,000 endpoints
SEVEN = "seven.prod.svc.cluster.local."    # SRV fits in 512 octets, with its addresses it does not


def addresses(count, second):
    return [f"10.{second}.{i // 250}.{i % 250 + 1}" for i in range(count)]


def slices(of, all_addresses):
    return [cluster.endpoint_slice(f"{of}-{at}", of, all_addresses[at:at + 100])
            for at in range(0, len(all_addresses), 100)]


TWO_HUNDRED, SIX_THOUSAND, SEVEN_OF_THEM = addresses(200, 1), addresses(6000, 2), addresses(7, 3)
OBJECTS = cluster.listing(
    cluster.service("many"), *slices("many", TWO_HUNDRED),
    cluster.service("crowd"), *slices("crowd", SIX_THOUSAND),
    cluster.service("seven"), *slices("seven", SEVEN_OF_THEM))


def part_of(r, qname, everything, limit):
    """A truncated answer: whole records of this name, none twice, and the space is used."""
    check(r.flags & wire.TC, "TC is clear")
    check(r.size <= limit, f"{r.size} octets, the limit is {limit}")
    got = r.addresses()
    check(len(set(got)) == len(got), "an address twice")
    check(set(got) <= set(everything), "an address of another Service")
    check(all(rr.owner == qname for rr in r.answer), "another owner")
    check(limit - r.size < 16, f"room for {(limit - r.size) // 16} more records in {limit} octets")


def sizes(t, k):
    for size, limit in ((None, 512), (100, 512), (512, 512), (1232, 1232), (4096, 1232), (65535, 1232)):
        with t.case(f"200 endpoints, {f'EDNS {size}' if size else 'no EDNS'}: {limit} octets and TC"):
            r = k.udp(MANY, edns=wire.opt(size=size) if size else None)
            equal(r.edns is not None, size is not None, "has an OPT")
            part_of(r, MANY, TWO_HUNDRED, limit)
    for edns in (None, wire.opt(size=512)):
        with t.case(f"200 endpoints over TCP, {'EDNS' if edns else 'no EDNS'}: all of them"):
            r = k.tcp(MANY, edns=edns)
            check(not r.flags & wire.TC, "TC is set")
            equal(sorted(r.addresses()), sorted(TWO_HUNDRED), "addresses")
    with t.case("200 SRV records over UDP: TC, whole records"):
        r = k.udp(MANY, "SRV", edns=wire.opt())
        check(r.flags & wire.TC, "TC is clear")
        check(0 < len(r.answer) < 200 and r.size <= 1232, f"{len(r.answer)} in {r.size} octets")
    with t.case("200 SRV records over TCP: all of them"):
        r = k.tcp(MANY, "SRV")
        equal(len({rr.rdata for rr in r.answer}), 200, "SRV records")
        check(not r.flags & wire.TC, "TC is set")
    with t.case("additional records are left out without TC (RFC 2181 section 9)"):
        r = k.udp(SEVEN, "SRV")
        equal(len(r.answer), 7, "SRV records")
        check(not r.flags & wire.TC, "TC is set")
        check(len(r.additional) < 7 or r.size <= 512, "too large")
    with t.case("6,000 endpoints over TCP: as many whole records as 64 KiB hold"):
        r = k.tcp(CROWD)
        equal(len(r.answer), (65535 - 12 - len(wire.question(CROWD))) // 16, "records")
        equal(len(set(r.addresses())), len(r.answer), "different addresses")
        check(set(r.addresses()) <= set(SIX_THOUSAND), "an address of another Service")
    with t.case("6,000 endpoints over UDP"):
        part_of(k.udp(CROWD, edns=wire.opt()), CROWD, SIX_THOUSAND, 1232)
    with t.case("6,000 SRV records over TCP"):
        r = k.tcp(CROWD, "SRV")
        check(len(r.answer) > 1000, f"only {len(r.answer)} records")


def orders(k, count=30):
    """The orders in which 200 addresses come, over TCP."""
    return {tuple(k.tcp(MANY).addresses()) for _ in range(count)}


def run(t):
    with Keryx(t, cluster.corefile(9), {"objects.json": OBJECTS}) as k:
        sizes(t, k)
        with t.case("without loadbalance the order stays"):
            equal(len(orders(k)), 1, "orders")
    with Keryx(t, cluster.corefile(9, "loadbalance"), {"objects.json": OBJECTS}) as k:
        with t.case("with loadbalance the order changes, the set does not"):
            seen = orders(k)
            check(len(seen) > 5, f"{len(seen)} orders in 30 answers")
            equal({tuple(sorted(x)) for x in seen}, {tuple(sorted(TWO_HUNDRED))}, "sets")
        with t.case("with loadbalance each of 200 comes into the truncated part"):
            met = set()

            def all_met():
                met.update(k.udp(MANY).addresses())
                return len(met) == 200
            until(all_met, "each address", 10 * t.slack, pause=0)
        with t.case("with loadbalance each of 6,000 comes into 64 KiB"):
            found = set()

            def all_found():
                found.update(k.tcp(CROWD).addresses())
                return len(found) == 6000
            until(all_found, "each address", 20 * t.slack, pause=0)
