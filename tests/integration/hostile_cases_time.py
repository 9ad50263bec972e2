"""Upstreams that are slow, silent, gone, or break off: UDP's time-outs, TCP's ends, several upstreams."""
import concurrent.futures
import contextlib
import itertools
import random
import time

import wire
from harness import check, equal, until
from hostile_upstream import FORGED, HONEST, HostileUpstream, address, message
from hostile_world import CACHED_ERROR, NAME, NETWORK_ERROR, NO_REACHABLE_AUTHORITY, ask, expect, expect_failure, lister

CASES = []
case = lister(CASES)
SEED = 20_240_229
BIG = [bytes([250]) + bytes([65 + i]) * 250 for i in range(16)]  # 4 KB of TXT


def silent(asked):
    pass


def late_once(asked):
    if asked.name == NAME and asked.attempt == 0:
        asked.answer(FORGED, after=0.6)
    else:
        asked.answer()


@case("a late reply to what has been answered changes nothing", late_once, "read_timeout 300ms", "cache")
def late(t, k, up):
    started = time.monotonic()
    expect(t, k)
    for i in itertools.count():
        expect(t, k, name=f"after{i}.example.org.")
        if time.monotonic() > started + 1:
            break
        time.sleep(0.01)
    expect(t, k)
    equal(up.count(NAME), 2, "queries upstream")


@case("silence: SERVFAIL within 5 s, EDE 22; with a cache not twice, EDE 13", silent, extra="cache")
def silence(t, k, up):
    took = expect_failure(t, k, NO_REACHABLE_AUTHORITY)
    check(took > 3, f"given up after {took:.1f} s")
    equal(up.count(NAME), 2, "queries upstream")
    took = expect_failure(t, k, CACHED_ERROR)
    check(took < t.slack and up.count(NAME) == 2, f"asked again, for {took:.1f} s")


def three_seconds(asked):
    asked.answer(after=0 if asked.first_label == "fast" else 3)


@case("answers that take 3 s come, where that is waited for", three_seconds, "read_timeout 4s")
def slow(t, k, up):
    _, took = expect(t, k)
    check(2.9 < took < 4 * t.slack, f"it took {took:.1f} s")


@case("answers that take 3 s are too late for the usual 2 s: EDE 22", three_seconds)
def too_slow(t, k, up):
    took = expect_failure(t, k, NO_REACHABLE_AUTHORITY)
    check(took > 3, f"given up after {took:.1f} s")
    expect(t, k, name="fast.example.org.")


def lossy(asked):
    # One draw for the way there and one for the way back, the same in each run.
    draw = random.Random(f"{SEED} {asked.first_label} {asked.attempt}")
    if draw.random() >= 0.1 and draw.random() >= 0.1:
        asked.answer()


@case("every tenth datagram is lost: each of 300 clients has its answer", lossy,
      "read_timeout 300ms\nmax_connect_attempts 0")
def loss(t, k, up):
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda i: expect(t, k, name=f"l{i}.example.org."), range(300)))
    check(len(up.asked) > 330, f"{len(up.asked)} queries for 300 names: too little was lost")


# TCP.

def truncated_then(over_tcp):
    def script(asked):
        over_tcp(asked) if asked.tcp else asked.truncated()
    return script


@case("TC, then TCP is reset: SERVFAIL at once, EDE 23", truncated_then(lambda asked: asked.reset()))
def reset(t, k, up):
    for tcp in (False, True):
        took = expect_failure(t, k, NETWORK_ERROR, tcp=tcp)
        check(took < 2 * t.slack, f"it took {took:.1f} s")


@case("TC, then TCP stalls: SERVFAIL within 5 s, EDE 22", truncated_then(silent))
def stall(t, k, up):
    expect_failure(t, k, NO_REACHABLE_AUTHORITY)


@case("TC, then TCP promises 65,535 octets and stalls: EDE 22",
      truncated_then(lambda asked: asked.send_raw(b"\xff\xff" + message(asked))))
def giant(t, k, up):
    expect_failure(t, k, NO_REACHABLE_AUTHORITY)


def stalls_once(asked):
    if asked.tcp:
        asked.send_raw(b"\xff\xff") if asked.attempt < 2 else asked.answer()
    else:
        asked.truncated()


@case("a TCP connection that stalls is not used again", stalls_once, "read_timeout 500ms")
def another_connection(t, k, up):
    expect(t, k)


@case("TCP closed before the reply: EDE 23", truncated_then(lambda asked: asked.close()))
def closed(t, k, up):
    took = expect_failure(t, k, NETWORK_ERROR)
    check(took < 2 * t.slack, f"it took {took:.1f} s")


@case("a TCP message of 0 octets is no reply", truncated_then(lambda asked: asked.send_raw(b"\0\0")))
def zero_octets(t, k, up):
    reply, _ = ask(t, k)
    equal((reply.rcode_text, reply.answer), ("SERVFAIL", []))


@case("TC over TCP, too: no answer is made up", lambda asked: asked.truncated())
def always_truncated(t, k, up):
    for tcp in (False, True):
        reply, _ = ask(t, k, tcp=tcp)
        equal(reply.answer, [], "answer")
        check(reply.flags & wire.TC or reply.rcode_text == "SERVFAIL", f"{reply.rcode_text} without TC")


def octet_by_octet(asked):
    for octet in wire.frame(message(asked, address(asked))):
        asked.send_raw(bytes([octet]))
        time.sleep(0.002)


@case("TCP octet by octet", truncated_then(octet_by_octet))
def crumbs(t, k, up):
    for i in range(3):
        expect(t, k, name=f"c{i}.example.org.")


def wrong_over_tcp(asked):
    asked.send(message(asked, address(asked, FORGED), ident=asked.query.ident ^ 1))
    asked.send(message(asked, address(asked, FORGED), question=wire.question("evil.example.net.")))
    asked.answer()


@case("wrong id and question over TCP are passed over", truncated_then(wrong_over_tcp))
def tcp_passed_over(t, k, up):
    expect(t, k)


def one_and_close(asked):
    asked.answer()
    if asked.tcp:
        asked.close()


@case("an upstream that closes TCP after each reply", one_and_close)
def closes(t, k, up):
    for i in range(50):
        expect(t, k, name=f"c{i}.example.org.", tcp=True)


def oversize(asked):
    octets = message(asked, *(wire.record(asked.name, "TXT", 1, 60, part) for part in BIG))
    asked.send(octets)


@case("a UDP reply of 4 KB, unasked for: the whole answer all the same", oversize)
def whole_answer(t, k, up):
    for name in (NAME, "second.example.org."):
        reply, _ = ask(t, k, name=name, qtype="TXT")
        check(reply.flags & wire.TC and reply.size <= 1232, f"{reply.flags:#06x}, {reply.size} octets")
        reply, _ = ask(t, k, name=name, qtype="TXT", tcp=True)
        equal(sorted(rr.rdata for rr in reply.answer), BIG, "rdata")
    check(up.count(NAME, tcp=True), "it was not asked over TCP")


# Several upstreams.

def refuses(up):
    def script(asked):
        asked.send(message(asked, rcode=wire.REFUSED))
    up.script = script


@case("one of three refuses: failover REFUSED has the others asked", lambda asked: asked.answer(),
      "policy round_robin\nfailover REFUSED", upstreams=3)
def refused(t, k, ups):
    refuses(ups[1])
    for i in range(60):
        expect(t, k, name=f"f{i}.example.org.")
    check(ups[1].asked, "it was not asked")


@case("one of three refuses: without failover a third is refused", lambda asked: asked.answer(),
      "policy round_robin", upstreams=3)
def passed_on(t, k, ups):
    refuses(ups[1])
    rcodes = [ask(t, k, name=f"f{i}.example.org.")[0].rcode_text for i in range(60)]
    # Each worker has a turn of its own.
    equal(rcodes.count("REFUSED"), len(ups[1].asked), "REFUSED")
    check(10 <= rcodes.count("REFUSED") <= 30 and set(rcodes) == {"NOERROR", "REFUSED"}, f"{rcodes}")


@case("one of three is silent: each answer in time", lambda asked: asked.answer(),
      "policy round_robin\nread_timeout 300ms\nhealth_check 100ms", upstreams=3)
def one_silent(t, k, ups):
    ups[2].script = silent
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda i: expect(t, k, name=f"s{i}.example.org."), range(60)))
    check(ups[2].asked, "it was not asked")


@case("all down: EDE 23; then up: answers", lambda asked: asked.answer(), "health_check 100ms\nmax_fails 1",
      "cache {\nservfail 1s\n}", upstreams=2)
def down_and_up(t, k, ups):
    expect(t, k)
    for up in ups:
        up.__exit__()
    for i in range(20):
        took = expect_failure(t, k, NETWORK_ERROR, name=f"d{i}.example.org.")
        check(took < 2 * t.slack, f"it took {took:.1f} s")
    expect(t, k, HONEST)  # the cache still has it
    with contextlib.ExitStack() as stack:
        for up in ups:
            stack.enter_context(HostileUpstream(up.script, up.port))
        until(lambda: ask(t, k, name="d0.example.org.")[0].addresses() == [HONEST], "an answer", 10 * t.slack)
