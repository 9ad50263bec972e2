#!/usr/bin/env python3
"""The upstream of a soak, and what it says: a function of the name alone.

    *.nx.example    does not exist
    *.big.example   does not fit into a datagram
    *.slow.example  some tenths of a second late
    anything else   one address, of type A only

Knows no server. Run by itself it serves on 127.0.0.1, says its port, and ends with its standard input.
"""
import heapq
import pathlib
import select
import socket
import struct
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import wire  # noqa: E402 - the path comes first
from harness import free_port  # noqa: E402
from model_dns import A, NOERROR, NXDOMAIN  # noqa: E402

BIG = [f"198.51.101.{i}" for i in range(1, 121)]
SOA = wire.record(b"\0", "SOA", 1, 5, wire.name("ns.example.") + wire.name("admin.example.") +
                  struct.pack("!5I", 1, 7200, 1800, 86400, 5))
TTL = 3


def says(qname, qtype):
    """(rcode, addresses); `qname` in lower case, without the last dot."""
    if qname.endswith(".nx.example"):
        return NXDOMAIN, []
    if qtype != A:
        return NOERROR, []
    # Fresh names share their parent's address, so that it is known before they are asked.
    key = qname.split(".", 1)[1] if qname.endswith(".fresh.example") else qname
    return NOERROR, BIG if qname.endswith(".big.example") else [f"198.51.100.{zlib.crc32(key.encode()) % 250 + 1}"]


def reply(octets, tcp):
    """(octets, seconds to wait before they are sent)."""
    end = octets.index(b"\0", 12)
    labels, at = [], 12
    while octets[at]:
        labels.append(octets[at + 1:at + 1 + octets[at]].decode("latin-1"))
        at += 1 + octets[at]
    qname, qtype = ".".join(labels).lower(), octets[end + 1] << 8 | octets[end + 2]
    rcode, addresses = says(qname, qtype)
    records = b"".join(struct.pack("!HHHIH", 0xc00c, A, 1, TTL, 4) + socket.inet_aton(a) for a in addresses)
    authority, truncated = b"" if addresses else SOA, len(records) > 1100 and not tcp
    if truncated:
        records = b""
    flags = wire.QR | wire.RA | wire.RD | rcode | (wire.TC if truncated else 0)
    edns = wire.opt() if octets[11] else b""
    head = octets[:2] + struct.pack("!5H", flags, 1, 0 if truncated else len(addresses), bool(authority), bool(edns))
    late = zlib.crc32(octets) % 300 / 1000 if qname.endswith(".slow.example") else 0
    return head + octets[12:end + 5] + records + authority + edns, late


def serve_connection(sock):
    try:
        with sock:
            while (octets := wire.read_frame(sock)) is not None:
                sock.sendall(wire.frame(reply(octets, True)[0]))
    except OSError:
        pass  # they closed it


def serve_tcp(listening):
    while True:
        sock, _ = listening.accept()
        sock.settimeout(60)
        threading.Thread(target=serve_connection, args=(sock,), daemon=True).start()


def serve_udp(sock):
    late = []
    while True:
        wait = max(0, late[0][0] - time.monotonic()) if late else None
        ready, _, _ = select.select([sock, sys.stdin], [], [], wait)
        if sys.stdin in ready:
            return
        try:
            while True:
                octets, peer = sock.recvfrom(4096)
                answer, after = reply(octets, False)
                if after:
                    heapq.heappush(late, (time.monotonic() + after, answer, peer))
                else:
                    sock.sendto(answer, peer)
        except BlockingIOError:
            pass
        while late and late[0][0] <= time.monotonic():
            sock.sendto(*heapq.heappop(late)[1:])


def main():
    port = free_port()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.bind(("127.0.0.1", port))
    udp.setblocking(False)
    listening = socket.create_server(("127.0.0.1", port), backlog=128)
    threading.Thread(target=serve_tcp, args=(listening,), daemon=True).start()
    print(port, flush=True)
    serve_udp(udp)


if __name__ == "__main__":
    main()
