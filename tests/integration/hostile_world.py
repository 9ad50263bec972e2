"""What the cases of the hostile upstreams share: how they are listed, and how a client asks and judges.

A case is a script for the upstreams and a play for the clients: `@case("name", script)` above `play(t, k, up)`.
"""
import dataclasses
import struct
import time

import wire
from harness import check, equal
from hostile_upstream import HONEST

NAME = "name.example.org."
EDE, CACHED_ERROR, NO_REACHABLE_AUTHORITY, NETWORK_ERROR = 15, 13, 22, 23
DO = 0x8000
LONGEST = 5.2  # seconds that a client may wait


@dataclasses.dataclass
class Case:
    name: str
    script: object  # called by the upstreams for each query
    play: object    # play(t, k, up); `up` is a list if there are several
    forward: str    # lines for that block of the Corefile
    extra: str      # other plugins
    upstreams: int


def lister(cases):
    """The decorator `case` that appends to this list."""
    def case(name, script, forward="", extra="", upstreams=1):
        def register(play):
            cases.append(Case(name, script, play, forward, extra, upstreams))
            return play
        return register
    return case


def ask(t, k, name=NAME, qtype="A", tcp=False, edns=True):
    """(reply, seconds). There always is a reply, in time."""
    started = time.monotonic()
    reply = (k.tcp if tcp else k.udp)(name, qtype, edns=wire.opt(flags=DO) if edns else None, timeout=8)
    took = time.monotonic() - started
    check(reply is not None, f"no reply for {name}")
    check(took < LONGEST * t.slack, f"{name} took {took:.1f} s")
    return reply, took


def expect(t, k, want=HONEST, **question):
    """This address and no other."""
    reply, took = ask(t, k, **question)
    equal((reply.rcode_text, reply.addresses()), ("NOERROR", [want]))
    return reply, took


def extended_errors(reply):
    return [struct.unpack_from("!H", data)[0] for code, data in reply.edns_options() if code == EDE]


def expect_failure(t, k, *codes, **question):
    """SERVFAIL, nothing else in it, and why; the seconds that it took."""
    reply, took = ask(t, k, **question)
    equal((reply.rcode_text, reply.answer, reply.authority, extended_errors(reply)), ("SERVFAIL", [], [], list(codes)))
    return took
