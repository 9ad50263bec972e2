"""TCP as bad clients use it: dripping, pipelining, not reading, resetting, idling.

While each goes on, an ordinary client has to be answered at once.
"""
import contextlib
import os
import socket
import struct
import time

import cluster
import wire
from harness import check, equal, until
from keryx import Keryx
from upstream import Upstream

QUERY = wire.query(cluster.SERVICE, ident=1)


def answered(k):
    """An ordinary client, over both protocols."""
    for ask in (k.udp, k.tcp):
        equal(ask(cluster.SERVICE).addresses(), ["10.96.1.1"], "the ordinary client's answer")


def drip(k):
    """A query in single octets; two of them, so that a message border falls inside a read."""
    with wire.open_tcp(k.address, k.port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in wire.frame(QUERY) * 2:
            sock.sendall(bytes([octet]))
            time.sleep(0.001)
        for _ in range(2):
            equal(wire.parse(wire.read_frame(sock)).addresses(), ["10.96.1.1"])


def lengths(k):
    """Prefixes that no query has: the connection is closed, or the octets are passed over."""
    for length in (0, 1, 11):
        with wire.open_tcp(k.address, k.port, 0.3) as sock:
            sock.sendall(struct.pack("!H", length) + b"\0" * length)
            with contextlib.suppress(TimeoutError):
                check(wire.read_frame(sock) is None, f"an answer to {length} octets")
        answered(k)


def pipeline(k, count=500):
    """All queries first, then all answers, matched by id."""
    names = [cluster.SERVICE, "nope.prod.svc.cluster.local.", "db.prod.svc.cluster.local."]
    octets = b"".join(wire.frame(wire.query(names[i % 3], ident=i)) for i in range(count))
    with wire.open_tcp(k.address, k.port) as sock:
        sock.sendall(octets)
        seen = {}
        for _ in range(count):
            reply = wire.read_frame(sock)
            check(reply is not None, f"closed after {len(seen)} answers")
            r = wire.parse(reply)
            check(r.ident not in seen, f"id {r.ident} twice")
            seen[r.ident] = r
    for i in range(count):
        equal(seen[i].questions[0][0], names[i % 3], f"question of id {i}")


def pipeline_upstream(k, up, release):
    """A slow upstream name first, then cluster names: these don't wait for it."""
    with wire.open_tcp(k.address, k.port) as sock:
        sock.sendall(wire.frame(wire.query("slow.example.com.", ident=1)) +
                     b"".join(wire.frame(wire.query(cluster.SERVICE, ident=i)) for i in (2, 3)))
        until(lambda: any(x[0].startswith("slow.") for x in up.asked), "the upstream to be asked")
        equal(sorted(wire.parse(wire.read_frame(sock)).ident for _ in range(2)), [2, 3], "ids")
        release.append(True)
        equal(wire.parse(wire.read_frame(sock)).ident, 1, "the last id")


def unread(k, count=20000):
    """A client that sends and never reads fills the buffers, then reads after all."""
    octets = b"".join(wire.frame(wire.query("db.prod.svc.cluster.local.", "SRV", ident=i))
                      for i in range(count))
    with wire.open_tcp(k.address, k.port) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(0.3)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < len(octets):
                sent += sock.send(octets[sent:sent + 65536])
        answered(k)
        sock.settimeout(5)
        whole = (len(wire.frame(wire.query("db.prod.svc.cluster.local.", "SRV"))))
        for ident in range(sent // whole):
            reply = wire.read_frame(sock)
            if reply is None:
                break  # a server may give up such a client; never send it half a message
            equal(wire.parse(reply).ident, ident, "id")
            if ident > 2000:
                break


def reset(k, times=50):
    """RST at several moments: before, during and after the answers."""
    for i in range(times):
        sock = wire.open_tcp(k.address, k.port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall((wire.frame(QUERY) * 20)[:(i + 1) * 12])
        sock.close()
    answered(k)


def huge(k):
    """A query of 64 KiB: FORMERR or a closed connection, nothing else."""
    for octets in (QUERY + b"\0" * (65535 - len(QUERY)), os.urandom(2) + QUERY[2:] * 2000):
        octets = octets[:65535]
        with wire.open_tcp(k.address, k.port) as sock:
            try:
                sock.sendall(wire.frame(octets))
                reply = wire.read_frame(sock)
            except (BrokenPipeError, ConnectionResetError):
                continue
            check(reply is None or wire.parse(reply).rcode == wire.FORMERR, "an answer")
    answered(k)


def half_closed(k):
    """A client that shuts its sending side still gets its answers."""
    with wire.open_tcp(k.address, k.port) as sock:
        sock.sendall(wire.frame(QUERY) * 3)
        sock.shutdown(socket.SHUT_WR)
        for _ in range(3):
            equal(wire.parse(wire.read_frame(sock)).addresses(), ["10.96.1.1"])
        equal(sock.recv(1), b"", "what follows")


def idle(k, t):
    """A connection that says nothing, and one that stops after an octet, are closed in time."""
    socks = [wire.open_tcp(k.address, k.port, 20 * t.slack) for _ in range(3)]
    socks[1].sendall(b"\0")
    socks[2].sendall(wire.frame(QUERY))
    check(wire.read_frame(socks[2]) is not None, "no answer")
    started = time.monotonic()
    for sock in socks:
        equal(sock.recv(1), b"", "what comes instead of the end")
        sock.close()
    check(time.monotonic() - started < 15 * t.slack, "not closed within 15 s")


def crowd(k, count=600):
    """More connections than anyone needs: the server caps them and goes on answering."""
    socks = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                socks.append(wire.open_tcp(k.address, k.port, 2))
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "the answer over UDP")
        # Whether the oldest idle one or the newest is dropped, a client that asks is served.
        until(lambda: asks(k), "an answer over TCP", 15)
    finally:
        for sock in socks:
            sock.close()
    answered(k)


def asks(k):
    try:
        return k.tcp(cluster.SERVICE, timeout=1)
    except (OSError, wire.Malformed):
        return None


def run(t):
    release = []

    def world(query, tcp):
        if query.questions[0][0].startswith("slow."):
            until(lambda: release, "the release", 4)
        return cluster.world(query, tcp)

    with Upstream(world) as up, \
            Keryx(t, cluster.corefile(up.port), {"objects.json": cluster.OBJECTS}) as k:
        for name, case in [
                ("an octet a time", lambda: drip(k)),
                ("length prefix 0, 1, 11", lambda: lengths(k)),
                ("500 pipelined queries", lambda: pipeline(k)),
                ("pipelined behind a slow upstream", lambda: pipeline_upstream(k, up, release)),
                ("a client that does not read", lambda: unread(k)),
                ("resets", lambda: reset(k)),
                ("a query of 64 KiB", lambda: huge(k)),
                ("a half-closed connection", lambda: half_closed(k)),
                ("idle connections are closed", lambda: idle(k, t)),
                ("600 connections", lambda: crowd(k))]:
            with t.case(name):
                case()
                answered(k)
