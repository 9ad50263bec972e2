"""Replies that are not for us, or not well formed, or not what EDNS says."""
import wire
from harness import check, equal
from hostile_upstream import FORGED, HONEST, address, message
from hostile_world import DO, NAME, NETWORK_ERROR, Case, ask, expect, expect_failure, lister

CASES = []
case = lister(CASES)
OTHER = "evil.example.net."


def one_query(t, k, up):
    """Answered by the first attempt: what came before was passed over."""
    expect(t, k)
    equal(up.count(NAME), 1, "queries upstream")


def forged(asked, **wrong):
    return message(asked, address(asked, FORGED), **wrong)


def first(send):
    """A script that sends this before the right reply."""
    def play(asked):
        send(asked)
        asked.answer()
    return play


def another_question(asked, *question):
    asked.send(forged(asked, question=wire.question(*question)))


PASSED_OVER = {
    "a wrong id": lambda asked: asked.send(forged(asked, ident=asked.query.ident ^ 1)),
    "another name in the question": lambda asked: another_question(asked, OTHER),
    "another type in the question": lambda asked: another_question(asked, asked.name, "AAAA"),
    "another class in the question": lambda asked: another_question(asked, asked.name, "A", 3),
    "no question": lambda asked: asked.send(forged(asked, question=b"", counts=(0, 1, 0, 1))),
    "two questions": lambda asked: asked.send(
        forged(asked, question=2 * wire.question(asked.name), counts=(2, 1, 0, 1))),
    "a question cut short": lambda asked: asked.send(forged(asked)[:20]),
    "half a header": lambda asked: asked.send(forged(asked)[:7]),
    "an empty datagram": lambda asked: asked.send(b""),
    "another port": lambda asked: asked.send_from(None, forged(asked), 20),
    "another address": lambda asked: asked.send_from("127.0.0.66", forged(asked), 20),
}
CASES += [Case(f"first {what}, then the right reply: that counts", first(send), one_query, "", "", 1)
          for what, send in PASSED_OVER.items()]


def wrong_ids(asked):
    if asked.tcp:
        asked.answer()
    else:
        for i in range(1, 4):
            asked.send(forged(asked, ident=asked.query.ident ^ i))
        asked.send(forged(asked))


@case("wrong ids until the right one is hit: the question has gone on over TCP", wrong_ids, extra="cache")
def goes_on_over_tcp(t, k, up):
    expect(t, k)
    equal([up.count(NAME, tcp) for tcp in (False, True)], [1, 1], "queries over UDP and TCP")
    expect(t, k)


def echo(asked):
    asked.send(forged(asked, flags=0)) if asked.attempt == 0 else asked.answer()


@case("a query that comes back (QR clear) is no reply", echo)
def asks_again(t, k, up):
    expect(t, k)


def racing(asked):
    asked.answer()
    asked.answer(FORGED)


@case("two answers race: the first counts, for the cache too", racing, extra="cache")
def first_counts(t, k, up):
    for i in range(20):
        for _ in range(2):
            expect(t, k, name=f"r{i}.example.org.")
        equal(up.count(f"r{i}.example.org."), 1, "queries upstream")


# Octets that are no message.

LOOP = b"\xc0\x0c"  # to the question
HEAD = b"\0\1\0\1\0\0\0\x3c"


def records_at(asked):
    return 12 + len(wire.question(asked.name))


def to_itself(asked):
    return (0xc000 | records_at(asked)).to_bytes(2, "big") + HEAD + b"\0\4\6\6\6\6"


def to_each_other(asked):
    at = records_at(asked)
    return ((0xc000 | at + 2).to_bytes(2, "big") + (0xc000 | at).to_bytes(2, "big") + HEAD + b"\0\4\6\6\6\6")


def loop_in_rdata(asked):
    at = records_at(asked) + 12
    return LOOP + b"\0\5" + HEAD[2:] + b"\0\2" + (0xc000 | at).to_bytes(2, "big")


def long_name(asked):
    return 60 * (b"\x3f" + 63 * b"a")[:17] + b"\0" + HEAD + b"\0\4\6\6\6\6"


MALFORMED = {
    "a pointer to itself": lambda asked: asked.send(message(asked, to_itself(asked))),
    "pointers to each other": lambda asked: asked.send(message(asked, to_each_other(asked))),
    "a pointer to itself in rdata": lambda asked: asked.send(message(asked, loop_in_rdata(asked))),
    "a name without end": lambda asked: asked.send(message(asked, long_name(asked))),
    "a record cut short": lambda asked: asked.send(message(asked, address(asked, FORGED), opt=False)[:-2]),
    "an rdata length beyond the end": lambda asked: asked.send(
        message(asked, LOOP + HEAD + b"\xff\xff\6\6\6\6", opt=False)),
    "fewer records than promised": lambda asked: asked.send(
        message(asked, address(asked, FORGED), counts=(1, 65535, 0, 0), opt=False)),
    "no records where an answer is promised": lambda asked: asked.send(message(asked, counts=(1, 1, 1, 1), opt=False)),
    "an address of five octets": lambda asked: asked.send(message(asked, LOOP + HEAD + b"\0\5\6\6\6\6\6")),
    "BADVERS": lambda asked: asked.send(message(asked, counts=(1, 0, 0, 1), opt=False) + wire.opt(extended_rcode=1)),
}


def nothing_of_it(t, k, up):
    """For the next client either; and it costs no time."""
    for tcp in (False, True, False):
        took = expect_failure(t, k, NETWORK_ERROR, tcp=tcp)
        check(took < 2 * t.slack, f"it took {took:.1f} s")


CASES += [Case(f"{what}: SERVFAIL at once", send, nothing_of_it, "", "cache", 1) for what, send in MALFORMED.items()]


# TTLs and chains.

def huge_ttl(asked):
    asked.answer(ttl=0xffffffff)


@case("a TTL of 2^32-1 is 0 (RFC 2181)", huge_ttl)
def no_ttl(t, k, up):
    equal(expect(t, k)[0].answer[0].ttl, 0, "TTL")


@case("a TTL of 2^32-1 is 0 for the cache, too: its least TTL", huge_ttl, extra="cache")
def least_ttl(t, k, up):
    for _ in range(2):
        check(expect(t, k)[0].answer[0].ttl in (4, 5), "TTL")


def chain_of_two(asked):
    asked.send(message(asked, wire.record(asked.name, "CNAME", 1, 60, wire.name(OTHER)),
                       wire.record(OTHER, "CNAME", 1, 60, wire.name(asked.name))))


@case("CNAMEs in a circle are passed on once, and not kept", chain_of_two, extra="cache")
def circle(t, k, up):
    for i in range(1, 3):
        reply, _ = ask(t, k)
        equal((reply.rcode_text, [(rr.owner, rr.rtype, rr.target()) for rr in reply.answer]),
              ("NOERROR", [(NAME, 5, OTHER), (OTHER, 5, NAME)]))
        equal(up.count(NAME), i, "queries upstream")


def gift(asked):
    """An answer, and what nobody has asked for."""
    evil = wire.record(OTHER, "A", 1, 3600, b"\6\6\6\6")
    if asked.name == OTHER:
        asked.answer()
    else:
        asked.send(message(asked, address(asked), evil, evil, opt=False, counts=(1, 1, 1, 1)))


@case("records of other names answer no other question", gift, extra="cache")
def no_gifts(t, k, up):
    expect(t, k)
    expect(t, k, name=OTHER)
    equal(up.count(OTHER), 1, "queries upstream")


# EDNS.

def no_edns(asked):
    asked.answer() if asked.query.edns is None else asked.send(message(asked, rcode=wire.FORMERR, opt=False))


@case("FORMERR to EDNS: asked again without", no_edns)
def asks_without(t, k, up):
    for name in (NAME, "second.example.org."):
        equal(expect(t, k, name=name)[0].edns_flags, DO, "DO")
        equal([asked.query.edns is not None for asked in up.asked if asked.name == name], [True, False], "OPT sent")
    expect(t, k, name="plain.example.org.", edns=False)


def always_formerr(asked):
    asked.send(message(asked, rcode=wire.FORMERR, opt=False))


@case("FORMERR to everything is passed on", always_formerr)
def formerr(t, k, up):
    for edns in (True, False):
        reply, _ = ask(t, k, edns=edns)
        equal((reply.rcode_text, reply.answer), ("FORMERR", []))


@case("EDNS ignored: the client has our own OPT", lambda asked: asked.answer(opt=False))
def our_opt(t, k, up):
    reply, _ = expect(t, k)
    equal((reply.edns.rclass, reply.edns_flags, reply.edns_options()), (1232, DO, []), "OPT")
    equal(expect(t, k, edns=False)[0].edns, None, "OPT")


@case("the case of the question changed by the upstream: each client has its own",
      lambda asked: asked.answer(question=wire.question(asked.name.swapcase())))
def own_case(t, k, up):
    for name in (NAME, "NAME.eXample.ORG."):
        reply, _ = expect(t, k, HONEST, name=name)
        equal(reply.questions[0][0], name, "question")
