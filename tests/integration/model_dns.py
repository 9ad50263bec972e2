"""DNS over one socket, for tests that ask a hundred thousand times.

Knows how to write a query and to read an answer's rcode and what its answer section holds, as values
that compare. Trusts the server's form, which other suites judge (wire.py).
"""
import functools
import socket
import struct

import wire

A, CNAME, PTR, AAAA, SRV = 1, 5, 12, 28, 33
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
OPT = b"\0\0\x29\x10\0\0\0\0\0\0\0"


@functools.lru_cache(maxsize=65536)
def query(qname, qtype):
    """Without its id."""
    labels = b"".join(bytes([len(x)]) + x.encode() for x in qname.rstrip(".").split("."))
    return b"\1\0\0\1\0\0\0\0\0\1" + labels + b"\0" + struct.pack("!2H", qtype, 1) + OPT


def _name(octets, at):
    labels, after = [], None
    while True:
        first = octets[at]
        if first == 0:
            return ".".join(labels), after or at + 1
        if first >= 0xc0:
            after, at = after or at + 2, (first & 0x3f) << 8 | octets[at + 1]
            continue
        labels.append(octets[at + 1:at + 1 + first].decode())
        at += 1 + first


def parse(octets):
    """(rcode, set of answer values): addresses as text, names, (target, port) of SRV."""
    flags, _, count = struct.unpack_from("!3H", octets, 2)
    found, at = set(), octets.index(b"\0", 12) + 5
    for _ in range(count):
        _, at = _name(octets, at)
        rtype, _, _, length = struct.unpack_from("!2HIH", octets, at)
        at += 10
        if rtype == A:
            found.add(socket.inet_ntop(socket.AF_INET, octets[at:at + 4]))
        elif rtype == AAAA:
            found.add(socket.inet_ntop(socket.AF_INET6, octets[at:at + 16]))
        elif rtype == SRV:
            found.add((_name(octets, at + 6)[0], struct.unpack_from("!H", octets, at + 4)[0]))
        else:
            found.add(_name(octets, at)[0])
        at += length
    return flags & 15, found


def is_truncated(octets):
    return bool(octets[2] & 0x02)


class Asker:
    """One UDP socket to one server. A thread has its own."""

    def __init__(self, address, port, timeout=2.0):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect((address, port))
        self._sock.settimeout(timeout)
        self._peer = address, port
        self._ident = 0
        self.asked = 0

    def _parse(self, octets, question):
        """What UDP is too small for is asked again over TCP."""
        return parse(wire.ask_tcp(*self._peer, b"\0\1" + query(*question)) if is_truncated(octets) else octets)

    def ask(self, qname, qtype):
        """As parse() gives it."""
        self._ident = self._ident + 1 & 0xffff
        ident = struct.pack("!H", self._ident)
        for _ in range(3):
            self._sock.send(ident + query(qname, qtype))
            self.asked += 1
            try:
                while True:
                    octets = self._sock.recv(4096)
                    if octets[:2] == ident:
                        return self._parse(octets, (qname, qtype))
            except TimeoutError:
                continue
        raise AssertionError(f"no reply to {qname}")

    def ask_all(self, questions):
        """The answers to many, in order, a window of them at a time."""
        answers = []
        for at in range(0, len(questions), 64):
            window = questions[at:at + 64]
            waiting = {}
            for question in window:
                self._ident = self._ident + 1 & 0xffff
                waiting[self._ident] = question
                self._sock.send(struct.pack("!H", self._ident) + query(*question))
            got = {}
            try:
                while len(got) < len(waiting):
                    octets = self._sock.recv(4096)
                    ident = struct.unpack_from("!H", octets)[0]
                    if ident in waiting:
                        got[ident] = self._parse(octets, waiting[ident])
            except TimeoutError:
                pass
            self.asked += len(window)
            answers += [got[ident] if ident in got else self.ask(*question)
                        for ident, question in waiting.items()]
        return answers

    def close(self):
        self._sock.close()
