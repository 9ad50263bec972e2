"""One zone with a record of each kind that clients ask for, and the questions that reach all of it."""
import dns.query
import dns.rdatatype
import dns.zone

ZONE = "keryx.example."
MANY = "\n".join(f"many 600 IN A 198.51.{i // 250}.{i % 250 + 1}" for i in range(200))
LONG = " ".join(f'"{chr(97 + i) * 250}"' for i in range(16))
TEXT = f"""$ORIGIN {ZONE}
@ 3600 IN SOA ns1 hostmaster 1 7200 1800 864000 300
@ 3600 IN NS ns1
@ 3600 IN NS ns2
ns1 3600 IN A 192.0.2.53
ns1 3600 IN AAAA 2001:db8::53
ns2 3600 IN A 192.0.2.54
@ 600 IN MX 10 mail
@ 600 IN MX 20 mail.example.net.
@ 600 IN CAA 0 issue "ca.example.net"
@ 600 IN TXT "v=spf1 -all"
@ 600 IN HTTPS 0 www
mail 600 IN A 192.0.2.25
mail 600 IN AAAA 2001:db8::25
www 600 IN A 192.0.2.80
www 600 IN A 192.0.2.81
www 600 IN AAAA 2001:db8::80
www 600 IN HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.80 ipv6hint=2001:db8::80
www 600 IN TXT "one" "two" ""
_dns.ns1 600 IN SVCB 1 ns1 alpn="dot" port=853
_sip._udp 600 IN SRV 10 60 5060 www
_sip._udp 600 IN SRV 20 60 5061 mail
_443._tcp.www 600 IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
naptr 600 IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.net!" .
naptr 600 IN NAPTR 100 20 "s" "SIP+D2U" "" _sip._udp
unknown 600 IN TYPE65280 \\# 4 0a000001
host 600 IN SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host 600 IN HINFO "AMD64" "Linux"
host 600 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
host 600 IN RP admin.mail host
host 600 IN AFSDB 1 mail
host 600 IN URI 10 1 "https://www.keryx.example/"
pointer 600 IN PTR www
MiXeD 600 IN A 192.0.2.99
short 240 IN A 192.0.2.20
day 86400 IN A 192.0.2.24
alias 600 IN CNAME www
first 600 IN CNAME second
second 500 IN CNAME third
third 400 IN CNAME alias
dangling 600 IN CNAME nowhere
outside 600 IN CNAME www.example.net.
*.wild 600 IN A 192.0.2.200
*.wild 600 IN TXT "wild"
old 600 IN DNAME deep.wild
a.b.c 600 IN A 192.0.2.33
child 600 IN NS ns.child
child 600 IN DS 12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.child 600 IN A 192.0.2.61
long 600 IN TXT {LONG}
{MANY}
"""

QUESTIONS = [(f"{name}.{ZONE}" if name != "@" else ZONE, qtype) for name, types in {
    "@": "SOA NS MX CAA TXT HTTPS DNSKEY NSEC3PARAM A", "www": "A AAAA HTTPS TXT MX", "mail": "AAAA",
    "_dns.ns1": "SVCB", "_sip._udp": "SRV", "_443._tcp.www": "TLSA", "naptr": "NAPTR", "unknown": "TYPE65280 TYPE65281",
    "host": "SSHFP HINFO LOC RP AFSDB URI", "pointer": "PTR", "MiXeD": "A", "mIxEd": "A", "short": "A", "day": "A",
    "alias": "A CNAME MX", "first": "A AAAA TXT SRV", "dangling": "A", "x.wild": "A TXT AAAA", "y.x.wild": "A",
    "x.old": "A TXT", "old": "DNAME", "b.c": "A", "a.b.c": "A", "nope": "A TYPE65280", "nope.www": "MX",
    "nope.a.b.c": "A", "long": "TXT", "many": "A"}.items() for qtype in types.split()]
# What an authoritative server answers, and a resolver would go elsewhere for.
BEYOND = [(f"{name}.{ZONE}", qtype) for name, qtype in
          (("outside", "A"), ("child", "A"), ("child", "NS"), ("child", "DS"), ("www.child", "AAAA"))] + \
    [("www.example.net.", "A"), (ZONE, "RRSIG"), (f"www.{ZONE}", "ANY")]


def transfer(server):
    """(the zone as `server` has it, with its signatures; its key signing keys), as text."""
    zone = dns.zone.Zone(ZONE)
    dns.query.inbound_xfr(server.address, zone, port=server.port)
    keys = zone.find_rdataset("@", dns.rdatatype.DNSKEY)
    return zone.to_text(relativize=False), [f"{ZONE} DNSKEY {key}" for key in keys if key.flags & 1]
