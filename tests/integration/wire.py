"""DNS messages as octets: a builder that can build wrong ones, and a reader that forgives nothing.

Knows RFC 1035 section 4, RFC 6891 and no server. The reader is the tests' own judge of form: it
raises Malformed for anything but a message whose last record ends where the message ends.
"""
import dataclasses
import socket
import struct

QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH, BADVERS = 0, 1, 2, 3, 4, 5, 9, 16
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
          9: "NOTAUTH", 16: "BADVERS"}
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "SRV": 33, "OPT": 41, "HTTPS": 65, "CAA": 257, "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255}
NAMES_IN_RDATA = {2: [0], 5: [0], 12: [0], 15: [2], 33: [6], 6: [0, None]}


class Malformed(Exception):
    """The message breaks RFC 1035 or RFC 6891."""


def name(text):
    """'a.b.' as octets; `text` may also be a list of labels, as bytes."""
    labels = text if isinstance(text, list) else [x.encode() for x in text.split(".") if x]
    return b"".join(bytes([len(x)]) + x for x in labels) + b"\0"


def header(ident, flags, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", ident, flags, qd, an, ns, ar)


def question(qname, qtype="A", qclass=1):
    octets = qname if isinstance(qname, bytes) else name(qname)
    return octets + struct.pack("!2H", TYPES.get(qtype, qtype), qclass)


def record(owner, rtype, rclass, ttl, rdata):
    octets = owner if isinstance(owner, bytes) else name(owner)
    return octets + struct.pack("!2HIH", TYPES.get(rtype, rtype), rclass, ttl, len(rdata)) + rdata


def opt(size=1232, version=0, flags=0, options=b"", extended_rcode=0):
    return record(b"\0", "OPT", size, extended_rcode << 24 | version << 16 | flags, options)


def option(code, data=b""):
    return struct.pack("!2H", code, len(data)) + data


def tsig(key="key.example.", mac=b"\0" * 32):
    rdata = (name("hmac-sha256.") + struct.pack("!HIH", 0, 0, 300) + struct.pack("!H", len(mac)) +
             mac + struct.pack("!3H", 1, 0, 0))
    return record(key, "TSIG", 255, 0, rdata)


def query(qname, qtype="A", ident=0x1234, flags=RD, edns=None, qclass=1):
    """A plain query; `edns` is an OPT record from opt()."""
    return (header(ident, flags, ar=1 if edns else 0) + question(qname, qtype, qclass) +
            (edns or b""))


@dataclasses.dataclass
class Rr:
    owner: str          # as spelled, with a final dot
    rtype: int
    rclass: int
    ttl: int
    rdata: bytes        # names in it decompressed

    def address(self):
        family = socket.AF_INET if self.rtype == 1 else socket.AF_INET6
        return socket.inet_ntop(family, self.rdata)

    def target(self):
        at = NAMES_IN_RDATA[self.rtype][0]
        return read_name(self.rdata, at)[0]


@dataclasses.dataclass
class Message:
    ident: int
    flags: int
    questions: list     # (name, type, class)
    answer: list
    authority: list
    additional: list    # without the OPT record
    edns: Rr            # the OPT record or None
    size: int

    @property
    def opcode(self):
        return self.flags >> 11 & 15

    @property
    def rcode(self):
        high = self.edns.ttl >> 24 if self.edns else 0
        return high << 4 | self.flags & 15

    @property
    def rcode_text(self):
        return RCODES.get(self.rcode, str(self.rcode))

    @property
    def edns_version(self):
        return self.edns.ttl >> 16 & 255

    @property
    def edns_flags(self):
        return self.edns.ttl & 0xffff

    def edns_options(self):
        found, at, data = [], 0, self.edns.rdata
        while at < len(data):
            if at + 4 > len(data):
                raise Malformed("an EDNS option is cut")
            code, length = struct.unpack_from("!2H", data, at)
            at += 4
            if at + length > len(data):
                raise Malformed("an EDNS option is cut")
            found.append((code, data[at:at + length]))
            at += length
        return found

    def addresses(self):
        return [rr.address() for rr in self.answer if rr.rtype in (1, 28)]


def read_name(octets, at):
    """(text, offset after it). Pointers may only lead backwards; at most 255 octets."""
    labels, after, length, lowest = [], None, 1, at
    while True:
        if at >= len(octets):
            raise Malformed("a name runs over the end")
        first = octets[at]
        if first == 0:
            at += 1
            break
        if first >= 0xc0:
            if at + 2 > len(octets):
                raise Malformed("a pointer runs over the end")
            to = (first & 0x3f) << 8 | octets[at + 1]
            if after is None:
                after = at + 2
            if to >= lowest:
                raise Malformed("a pointer does not lead backwards")
            at = lowest = to
            continue
        if first > 63:
            raise Malformed("an unknown label type")
        if at + 1 + first > len(octets):
            raise Malformed("a label runs over the end")
        labels.append(octets[at + 1:at + 1 + first])
        at += 1 + first
        length += 1 + first
        if length > 255:
            raise Malformed("a name of more than 255 octets")
    text = "".join("".join(chr(c) if 33 <= c < 127 and c not in b'.\\"' else f"\\{c:03d}"
                           for c in label) + "." for label in labels) or "."
    return text, after if after is not None else at


def _read_rr(octets, at):
    owner, at = read_name(octets, at)
    if at + 10 > len(octets):
        raise Malformed("a record runs over the end")
    rtype, rclass, ttl, length = struct.unpack_from("!2HIH", octets, at)
    at += 10
    end = at + length
    if end > len(octets):
        raise Malformed("rdata runs over the end")
    rdata = octets[at:end]
    if rtype == 6:
        first, k = read_name(octets, at)
        second, k = read_name(octets, k)
        if k + 20 != end:
            raise Malformed("a SOA of a wrong length")
        rdata = name(first) + name(second) + octets[k:end]
    elif rtype in NAMES_IN_RDATA:
        offset = NAMES_IN_RDATA[rtype][0]
        target, k = read_name(octets, at + offset)
        if k != end:
            raise Malformed("rdata of a wrong length")
        rdata = octets[at:at + offset] + name(target)
    elif (rtype == 1 and length != 4) or (rtype == 28 and length != 16):
        raise Malformed("an address of a wrong length")
    return Rr(owner, rtype, rclass, ttl, rdata), end


def parse(octets):
    if len(octets) < 12:
        raise Malformed("shorter than a header")
    ident, flags, qd, an, ns, ar = struct.unpack_from("!6H", octets)
    at, questions, sections = 12, [], []
    for _ in range(qd):
        qname, at = read_name(octets, at)
        if at + 4 > len(octets):
            raise Malformed("a question runs over the end")
        questions.append((qname, *struct.unpack_from("!2H", octets, at)))
        at += 4
    for count in (an, ns, ar):
        section = []
        for _ in range(count):
            rr, at = _read_rr(octets, at)
            section.append(rr)
        sections.append(section)
    if at != len(octets):
        raise Malformed(f"{len(octets) - at} octets after the last record")
    edns = [rr for rr in sections[2] if rr.rtype == 41]
    if len(edns) > 1 or any(rr.rtype == 41 for rr in sections[0] + sections[1]):
        raise Malformed("more than one OPT record, or one outside the additional section")
    if edns and edns[0].owner != ".":
        raise Malformed("an OPT record that is not at the root")
    return Message(ident, flags, questions, sections[0], sections[1],
                   [rr for rr in sections[2] if rr.rtype != 41], edns[0] if edns else None,
                   len(octets))


def _connect(address, port, kind, timeout):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    sock.settimeout(timeout)
    sock.connect((address, port))
    return sock


def ask_udp(address, port, octets, timeout=5.0):
    """The reply's octets; None if there is none in time."""
    with _connect(address, port, socket.SOCK_DGRAM, timeout) as sock:
        try:
            sock.send(octets)
            return sock.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


def open_tcp(address, port, timeout=5.0):
    return _connect(address, port, socket.SOCK_STREAM, timeout)


def frame(octets):
    return struct.pack("!H", len(octets)) + octets


def read_exactly(sock, count):
    """None if the other side closes before."""
    octets = b""
    while len(octets) < count:
        try:
            more = sock.recv(count - len(octets))
        except ConnectionResetError:
            return None
        if not more:
            return None
        octets += more
    return octets


def read_frame(sock):
    length = read_exactly(sock, 2)
    return None if length is None else read_exactly(sock, struct.unpack("!H", length)[0])


def ask_tcp(address, port, octets, timeout=5.0):
    with open_tcp(address, port, timeout) as sock:
        sock.sendall(frame(octets))
        return read_frame(sock)
