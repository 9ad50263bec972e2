"""An upstream that follows a script: what it sends back to a query, from where, when, and how often.

`script(asked)` is called for each query, on a thread of the upstream; it sends what it likes through the
Asked, also nothing. Delays do not hold up the next query.
"""
import contextlib
import dataclasses
import socket
import struct
import threading
import time

import wire
from harness import free_port

HONEST, FORGED = "192.0.2.1", "192.0.2.66"


def address(asked, text=HONEST, ttl=60):
    """An A record for the name that is asked."""
    return wire.record(asked.name, "A", 1, ttl, socket.inet_aton(text))


def message(asked, *records, ident=None, question=None, flags=wire.QR | wire.RA, rcode=0, counts=None, opt=True):
    """A reply with these answer records, an OPT record if the query has one, and anything wrong with it."""
    edns = wire.opt() if opt and asked.query.edns else b""
    numbers = counts or (1, len(records), 0, 1 if edns else 0)
    return (wire.header(asked.query.ident if ident is None else ident, flags | asked.query.flags & wire.RD | rcode,
                        *numbers) +
            (wire.question(*asked.query.questions[0]) if question is None else question) + b"".join(records) + edns)


@dataclasses.dataclass
class Asked:
    upstream: "HostileUpstream"
    query: wire.Message
    tcp: bool
    attempt: int   # 0 for the first time that this name is asked
    peer: tuple    # of UDP
    stream: socket.socket
    at: float = dataclasses.field(default_factory=time.monotonic)   # when it came

    @property
    def name(self):
        return self.query.questions[0][0]

    @property
    def first_label(self):
        return self.name.lower().split(".")[0]

    def send(self, octets, after=0.0):
        """A datagram, or a message with its length, after so many seconds."""
        if after:
            timer = threading.Timer(after, self.send, (octets,))
            timer.daemon = True
            timer.start()
        else:
            with contextlib.suppress(OSError):  # the case is over, or they closed the connection
                if self.tcp:
                    self.stream.sendall(wire.frame(octets))
                else:
                    self.upstream.udp.sendto(octets, self.peer)

    def answer(self, text=HONEST, after=0.0, ttl=60, **wrong):
        self.send(message(self, address(self, text, ttl), **wrong), after)

    def send_from(self, source, octets, times=1):
        """From another address, or (None) from another port."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            if source:
                other.bind((source, self.upstream.port))
            for _ in range(times):
                other.sendto(octets, self.peer)

    def truncated(self):
        self.send(message(self, flags=wire.QR | wire.RA | wire.TC))

    def send_raw(self, octets):
        self.stream.sendall(octets)

    def reset(self):
        """RST instead of FIN."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def close(self):
        self.stream.shutdown(socket.SHUT_RDWR)


class HostileUpstream:
    def __init__(self, script, port=None):
        self.script, self.address, self.port = script, "127.0.0.1", port or free_port()
        self.asked = []  # each Asked, in the order of arrival
        self._attempts, self._lock, self._closing = {}, threading.Lock(), False

    def __enter__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, self.port))
        self.udp.settimeout(0.05)
        self._tcp = socket.create_server((self.address, self.port), backlog=256)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:  # a port is only closed once nobody waits there
            thread.join()
        self._tcp.close()
        self.udp.close()

    def count(self, name, tcp=None):
        """How often a name was asked for, over one transport or both."""
        return sum(asked.name.lower() == name.lower() and tcp in (None, asked.tcp) for asked in list(self.asked))

    def _handle(self, octets, peer, stream):
        query = wire.parse(octets)
        name, _, qclass = query.questions[0]
        with self._lock:
            attempt = self._attempts[name.lower()] = self._attempts.get(name.lower(), -1) + 1
        asked = Asked(self, query, stream is not None, attempt, peer, stream)
        if qclass != 1:  # version.bind, by which a test finds out that the server is up
            asked.send(message(asked, rcode=wire.REFUSED))
        else:
            self.asked.append(asked)
            self.script(asked)

    def _serve_udp(self):
        while not self._closing:
            try:
                octets, peer = self.udp.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            if octets:
                self._handle(octets, peer, None)

    def _serve_tcp(self):
        while not self._closing:
            try:
                stream, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_stream, args=(stream,), daemon=True).start()

    def _serve_stream(self, stream):
        with stream, contextlib.suppress(OSError):
            while (octets := wire.read_frame(stream)) is not None:
                self._handle(octets, None, stream)
