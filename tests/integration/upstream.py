"""A fake upstream for `forward`: a function answers, and the test sees what was asked.

`answer(query, tcp)` gets the parsed query and returns the reply's octets, or None for silence. It
runs on the upstream's own thread.
"""
import contextlib
import socket
import threading

import wire
from harness import free_port


def reply(query, records=b"", count=0, rcode=0, flags=wire.RA, authority=0, additional=0):
    """A reply to a parsed query with the question as it was asked; counts are per section."""
    qname, qtype, qclass = query.questions[0]
    return (wire.header(query.ident, wire.QR | flags | query.flags & wire.RD | rcode, 1, count,
                        authority, additional) + wire.question(qname, qtype, qclass) + records)


class Upstream:
    def __init__(self, answer, address="127.0.0.1", port=None):
        self.answer, self.address, self.port = answer, address, port or free_port()
        self.asked = []  # (qname, qtype, tcp), in the order of arrival
        self.sources = []  # (port, id) of the queries over UDP
        self._closing = False

    def __enter__(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._udp = socket.socket(family, socket.SOCK_DGRAM)
        self._udp.bind((self.address, self.port))
        self._tcp = socket.create_server((self.address, self.port), family=family)
        for work in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with contextlib.suppress(OSError):  # wakes the thread that reads
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", (self.address, self.port))
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        self._udp.close()
        self._tcp.close()

    def _handle(self, octets, tcp):
        query = wire.parse(octets)
        self.asked.append((query.questions[0][0], query.questions[0][1], tcp))
        return self.answer(query, tcp)

    def _serve_udp(self):
        while not self._closing:
            try:
                octets, peer = self._udp.recvfrom(65535)
                if len(octets) >= 12:
                    self.sources.append((peer[1], int.from_bytes(octets[:2], "big")))
                    out = self._handle(octets, False)
                    if out is not None:
                        self._udp.sendto(out, peer)
            except OSError:
                return

    def _serve_tcp(self):
        while not self._closing:
            try:
                sock, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(sock,), daemon=True).start()

    def _serve_connection(self, sock):
        with sock, contextlib.suppress(OSError):
            while (octets := wire.read_frame(sock)) is not None:
                out = self._handle(octets, True)
                if out is not None:
                    sock.sendall(wire.frame(out))
