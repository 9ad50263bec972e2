"""What every reply has to obey, whatever was asked.

The common rules of ISC's DNS Compliance Testing and RFC 8906, judged on the octets of the query and of
the reply, and what Keryx adds: the question is echoed as it was spelled, DO is echoed, no option is.
"""
import wire
from harness import check

DO = 0x8000
EDE = 15  # RFC 8914, the only option that we put into replies ourselves


def common(query, reply, tcp, authoritative=True):
    """Checks the reply against the query, both as octets; the parsed reply."""
    check(reply is not None, "no reply")
    q, r = wire.parse(query), wire.parse(reply)
    check(r.ident == q.ident, "the id is another")
    check(r.flags & wire.QR, "QR is clear")
    check(r.opcode == q.opcode, f"opcode {r.opcode}")
    if q.opcode:
        not_implemented(reply)
        return r
    check(r.questions == q.questions, f"question {r.questions}, asked {q.questions}")
    _flags(q, r, authoritative)
    _edns(q, r)
    limit = 65535 if tcp else 512 if q.edns is None else min(1232, max(512, q.edns.rclass))
    check(r.size <= limit, f"{r.size} octets, the limit is {limit}")
    check(not (tcp and r.flags & wire.TC), "TC over TCP")
    return r


def not_implemented(reply):
    """RFC 8906 section 3.1.4: the bare header, no flags."""
    check(reply is not None, "no reply")
    r = wire.parse(reply)
    check(r.rcode == wire.NOTIMP, f"rcode {r.rcode_text}")
    check(r.size == 12, f"{r.size} octets, want the bare header")
    flags = r.flags & (wire.AA | wire.TC | wire.RD | wire.RA | wire.Z | wire.AD | wire.CD)
    check(not flags, f"flags {flags:#06x}")


def _flags(q, r, authoritative):
    check(not r.flags & wire.Z, "Z is set")
    check((r.flags & wire.RD) == (q.flags & wire.RD), "RD is not the query's")
    check(not r.flags & wire.CD or q.flags & wire.CD, "CD without being asked for")
    dnssec_ok = q.edns is not None and q.edns_flags & DO
    check(not r.flags & wire.AD or q.flags & wire.AD or dnssec_ok, "AD without being asked for")
    if r.rcode == wire.NOERROR:
        check(bool(r.flags & wire.AA) == authoritative, f"AA is {bool(r.flags & wire.AA)}")
        check(r.flags & wire.RA, "RA is clear, and the block forwards")


def _edns(q, r):
    if q.edns is None:
        check(r.edns is None, "OPT without being asked for")
        return
    check(r.edns is not None, "no OPT")
    check(r.edns_version == 0, f"OPT version {r.edns_version}")
    check(r.edns.rclass == 1232, f"advertises {r.edns.rclass}")
    check(r.edns_flags & ~DO == 0, f"EDNS flags {r.edns_flags:#06x}")
    check((r.edns_flags & DO) == (q.edns_flags & DO), "DO is not the query's")
    codes = {code for code, _ in r.edns_options()}
    check(codes <= {EDE}, f"options {sorted(codes)}")
    if q.edns_version:
        check(r.rcode == wire.BADVERS, f"rcode {r.rcode_text}, want BADVERS")
        check(not (r.answer or r.authority or r.additional), "records beside BADVERS")
    else:
        check(r.rcode != wire.BADVERS, "BADVERS for version 0")
