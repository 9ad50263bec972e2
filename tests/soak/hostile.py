#!/usr/bin/env python3
"""Clients that mean harm, all at once: octets that are no queries, random names, connections that hold on.

usage: hostile.py ADDRESS PORT PACKETS-PER-SECOND SEED

From 127.0.0.66 to 127.0.0.69. Until its standard input ends it prints a JSON object each second: how
many of each kind there were so far.
"""
import collections
import contextlib
import errno
import json
import pathlib
import random
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import malformed_test  # noqa: E402 - the path comes first
import wire  # noqa: E402

SOURCES = [f"127.0.0.{i}" for i in range(66, 70)]
CONNECTIONS = 80
TURN = 0.02
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class Hostile:
    def __init__(self, address, port, rate, seed):
        self.peer, self.rate, self.random = (address, port), rate, random.Random(seed)
        self.counts = collections.Counter()
        self.udp = []
        for source in SOURCES:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.bind((source, 0))
            self.udp.append(sock)
        self.packets = [packet for _, packet, _ in malformed_test.PACKETS]
        self.open = []  # (socket, what it does, until when)
        self.kinds = [(self.malformed, 30), (self.mutated, 30), (self.noise, 10), (self.random_name, 40),
                      (self.random_outside, 4), (self.reply, 4), (self.repeated, 4)]
        self.manners = [self.drip, self.silent, self.half_closed, self.never_reads, self.garbage, self.resets,
                        self.stutters]

    # Datagrams

    def query(self, name):
        return wire.query(name, self.random.choice(["A", "AAAA", "SRV", "PTR", "TXT", "ANY"]),
                          ident=self.random.randrange(65536), edns=self.random.choice([None, wire.opt()]))

    def label(self):
        return "".join(self.random.choices(LETTERS[:-1], k=self.random.randrange(1, 40)))

    def malformed(self):
        return self.random.choice(self.packets)

    def mutated(self):
        octets = bytearray(self.query("web.stable.svc.cluster.local."))
        for _ in range(self.random.randrange(1, 6)):
            octets[self.random.randrange(len(octets))] = self.random.randrange(256)
        return bytes(octets[:self.random.randrange(len(octets) + 1)] if self.random.random() < 0.3 else octets)

    def noise(self):
        return self.random.randbytes(self.random.choice([0, 1, 11, 12, 13, 100, 512, 1400, 9000]))

    def random_name(self):
        return self.query(f"{self.label()}.{self.random.choice(['', 'ns-0.', 'stable.'])}svc.cluster.local.")

    def random_outside(self):
        return self.query(f"{self.label()}.{self.random.choice(['nx', 'fresh', 'cached'])}.example.")

    def reply(self):
        octets = bytearray(self.query("web.stable.svc.cluster.local."))
        octets[2] |= 0x80
        return bytes(octets)

    def repeated(self):
        """The same question again and again, under the same id."""
        return wire.query("db.stable.svc.cluster.local.", "A", ident=7)

    # Connections: what each does in a turn; a manner returns False to close

    def drip(self, sock, turns):
        if turns % 10 == 0:
            octets = wire.frame(self.query("web.stable.svc.cluster.local."))
            sock.send(octets[turns // 10 % len(octets):][:1])

    def silent(self, _sock, _turns):
        pass

    def half_closed(self, sock, turns):
        if turns == 0:
            sock.send(wire.frame(self.query("web.stable.svc.cluster.local."))[:-3])
            sock.shutdown(socket.SHUT_WR)

    def never_reads(self, sock, _turns):
        sock.send(wire.frame(self.query("db.stable.svc.cluster.local.")) * 50)

    def garbage(self, sock, turns):
        if turns % 5 == 0:
            sock.send(self.random.choice([
                self.random.randbytes(300), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc",
                b"\xff\xff" + self.random.randbytes(5000), b"\0\0" * 100, wire.frame(self.noise()[:1000])]))

    def resets(self, sock, turns):
        if turns == 0:
            sock.send(wire.frame(self.query("db.stable.svc.cluster.local.")) * self.random.randrange(1, 50))
            return True
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def stutters(self, sock, turns):
        """Lengths and what does not follow them."""
        sock.send(wire.frame(self.malformed())[:self.random.randrange(1, 40)])
        return turns < 20

    def connect(self, now):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((self.random.choice(SOURCES), 0))
        sock.setblocking(False)
        if sock.connect_ex(self.peer) not in (0, errno.EINPROGRESS):
            sock.close()
            return
        manner = self.random.choice(self.manners)
        self.counts[manner.__name__] += 1
        self.open.append([sock, manner, 0, now + self.random.uniform(0.2, 15)])

    def connections(self, now):
        kept = []
        for entry in self.open:
            sock, manner, turns, until = entry
            stays = now < until
            with contextlib.suppress(BlockingIOError):
                try:
                    stays = stays and manner(sock, turns) is not False
                except OSError as error:
                    stays = stays and error.errno in (errno.EAGAIN, errno.ENOTCONN, errno.EINPROGRESS)
            entry[2] += 1
            if stays:
                kept.append(entry)
            else:
                sock.close()
        self.open = kept
        for _ in range(min(4, CONNECTIONS - len(self.open))):
            self.connect(now)

    def datagrams(self, count):
        for make in self.random.choices([k for k, _ in self.kinds], [w for _, w in self.kinds], k=count):
            with contextlib.suppress(OSError):
                self.random.choice(self.udp).sendto(make(), self.peer)
                self.counts[make.__name__] += 1
        for sock in self.udp:
            with contextlib.suppress(OSError):
                for _ in range(count):
                    sock.recv(1)

    def run(self):
        start, last = time.monotonic(), time.monotonic()
        sent = 0
        while True:
            if select.select([sys.stdin], [], [], TURN)[0]:
                return
            now = time.monotonic()
            due = min(int((now - start) * self.rate) - sent, int(self.rate))
            self.datagrams(due)
            sent = int((now - start) * self.rate)
            self.connections(now)
            if now - last > 1:
                last = now
                print(json.dumps(self.counts), flush=True)


def main():
    hostile = Hostile(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
    hostile.run()
    print(json.dumps(hostile.counts), flush=True)


if __name__ == "__main__":
    main()
