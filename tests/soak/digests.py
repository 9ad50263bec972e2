"""What an answer says, as the number that the client makes of a reply (client/reply.h)."""
import socket
import struct

from model_dns import A, AAAA, CNAME, PTR, SRV


def _u16(value):
    return struct.pack("!H", value)


def rdata(rtype, value):
    """`value` as model_dns.parse() gives it, in lower case."""
    if rtype == A:
        return socket.inet_pton(socket.AF_INET, value)
    if rtype == AAAA:
        return socket.inet_pton(socket.AF_INET6, value)
    if rtype == SRV:
        return _u16(value[1]) + value[0].lower().encode()
    assert rtype in (CNAME, PTR), rtype
    return value.lower().encode()


def digest(rcode, records):
    """`records`: (owner, or None where it is qname; type; value)."""
    items = sorted((b"\x01" if owner is None else owner.encode() + b"\0") + _u16(rtype) + rdata(rtype, value)
                   for owner, rtype, value in records)
    found = 0xcbf29ce484222325
    for octet in bytes([rcode]) + b"".join(_u16(len(item)) + item for item in items):
        found = (found ^ octet) * 0x100000001b3 & 0xffffffffffffffff
    return found
