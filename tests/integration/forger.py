"""An attacker that has the upstream's own address and port and sees which ports are open towards it, but
not the ids; and an honest upstream that counts ports and ids. Both are fast, and plain loops for that.
"""
import contextlib
import multiprocessing
import random
import socket
import struct
import threading

import wire
from harness import free_port

HONEST, FORGED = b"\xc0\0\2\1", b"\6\6\6\6"
GUESSES = 10_000
SPRAYS = 10
TOLERATED = 2  # a server that closes its socket can do so once it has seen as many wrong ids


def answer(query, rdata):
    """A reply to these octets, whose question is the first: A record, no OPT, the same id."""
    end = query.index(b"\0", 12) + 5
    return (query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] +
            b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + rdata)


def open_ports(server_port):
    """Local UDP ports that are connected to that port of loopback."""
    peer = f"0100007F:{server_port:04X}"
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return [int(row[1].split(":")[1], 16) for row in rows if row[2] == peer]


class Forger:
    """Sends 10,000 replies to each query over UDP, before the honest one; among them one with the right id,
    though not by luck: the first guesses are wrong. Over TCP, where it can't guess, it is honest, once it is
    done over UDP.
    """

    def __init__(self):
        self.address, self.port = "127.0.0.1", free_port()
        self.forged = self.over_udp = self.over_tcp = 0
        self._attacked, self._change, self._closing = set(), threading.Condition(), False

    def __enter__(self):
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.address, self.port))
        self._udp.settimeout(0.05)
        self._tcp = socket.create_server((self.address, self.port), backlog=256)
        self._threads = [threading.Thread(target=work) for work in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _guesses(self, ident):
        wrong = random.sample(range(65536), GUESSES)
        if ident in wrong[:TOLERATED]:
            wrong[:TOLERATED] = [ident ^ 1, ident ^ 2]
        if ident not in wrong:
            wrong[random.randrange(TOLERATED, GUESSES)] = ident
        return wrong

    def _attack(self, query, peer):
        """The port that asked; now and then also each other one that is open."""
        forged = answer(query, FORGED)[2:]
        send, pack = self._udp.sendto, struct.Struct("!H").pack
        for ident in self._guesses(int.from_bytes(query[:2], "big")):
            send(pack(ident) + forged, peer)
        self.forged += GUESSES
        if self.over_udp % SPRAYS == 0:
            for port in open_ports(self.port):
                for _ in range(TOLERATED + 1):
                    send(pack(random.randrange(65536)) + forged, (self.address, port))
        send(answer(query, HONEST), peer)

    def _serve_udp(self):
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                query, peer = self._udp.recvfrom(4096)
                qname, _, qclass = wire.parse(query).questions[0]
                if qclass != 1 or qname == ".":  # the first question of a test; health probes
                    self._udp.sendto(answer(query, HONEST), peer)
                    continue
                self.over_udp += 1
                self._attack(query, peer)
                with self._change:
                    self._attacked.add(qname)
                    self._change.notify_all()

    def _serve_tcp(self):
        while not self._closing:
            try:
                stream, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_stream, args=(stream,), daemon=True).start()

    def _serve_stream(self, stream):
        with stream, contextlib.suppress(OSError):
            while (query := wire.read_frame(stream)) is not None:
                qname = wire.parse(query).questions[0][0]
                with self._change:
                    self.over_tcp += 1
                    self._change.wait_for(lambda: qname in self._attacked, 4)
                stream.sendall(wire.frame(answer(query, HONEST)))


def _count(sock, results):
    """Answers each query until one comes for `end.`, then hands over what it saw: (port, id) of each."""
    seen, receive, send = [], sock.recvfrom, sock.sendto
    while True:
        query, peer = receive(4096)
        if query[12:17] == b"\3end\0":
            break
        seen.append((peer[1], query[0] << 8 | query[1]))
        send(answer(query, HONEST), peer)
    results.send(seen)


class Counter:
    """An honest upstream in a process of its own."""

    def __enter__(self):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._sock.bind(("127.0.0.1", 0))
        self.address, self.port = self._sock.getsockname()
        self._results, theirs = multiprocessing.Pipe(False)
        self._process = multiprocessing.get_context("fork").Process(target=_count, args=(self._sock, theirs),
                                                                    daemon=True)
        self._process.start()
        return self

    def seen(self):
        """(port, id) of each query, in the order of arrival. It answers no more."""
        self._sock.sendto(wire.query("end."), (self.address, self.port))
        return self._results.recv() if self._results.poll(20) else []

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()
        self._sock.close()
