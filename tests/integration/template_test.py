"""`template`: answers made from the question, ahead of the cluster and of upstreams."""
import cluster
import wire
from harness import check, equal
from keryx import Keryx, run_to_end
from upstream import Upstream

FILES = {"objects.json": cluster.OBJECTS}
EDE = 15
AZURE = r"""template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$"
      rcode NXDOMAIN
      fallthrough
    }
    template ANY ANY reddog.microsoft.com {
      rcode NXDOMAIN
    }"""
ADDRESSES = r"""template IN A example {
      match "^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)-(?P<c>[0-9]+)-(?P<d>[0-9]+)[.]example[.]$"
      answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
      fallthrough
    }
    template ANY ANY invalid {
      rcode NXDOMAIN
      authority "invalid. 60 {{ .Class }} SOA ns.invalid. root.invalid. (1 60 60 60 60)"
      ederror 21 "not today"
    }
    template IN TXT echo {
      answer "{{ .Name }} 0 IN TXT \"{{ .Remote }}\" \"{{ .Name }}\""
    }"""
ALIASES = """template IN ANY out.alias {
      answer "out.alias. 60 IN CNAME www.example.com."
    }
    template IN ANY in.alias {
      answer "in.alias. 60 IN CNAME web.prod.svc.cluster.local."
    }
    template IN ANY loop.alias {
      answer "loop.alias. 60 IN CNAME loop.alias."
    }"""


def azure(k):
    with k.t.case("what Azure ships: some names do not exist, others are asked upstream"):
        for name, expected in (("a.b.c.d.internal.cloudapp.net.", "NXDOMAIN"),
                               ("x.RedDog.microsoft.com.", "NXDOMAIN")):
            r = k.udp(name)
            equal((r.rcode_text, r.answer, r.authority), (expected, [], []), name)
            check(r.flags & wire.AA, "AA is clear")
        equal(len(k.udp("a.b.internal.cloudapp.net.").authority), 1, "the upstream's SOA")


def made(k):
    with k.t.case("records of the name that is asked"):
        for ask in (k.udp, k.tcp):
            r = ask("IP-192-0-2-9.example.")
            equal((r.rcode_text, r.addresses(), r.answer[0].owner), ("NOERROR", ["192.0.2.9"], "IP-192-0-2-9.example."))
            check(r.flags & wire.AA, "AA is clear")
        equal(k.udp("ip-192-0-2-999.example.").rcode_text, "SERVFAIL", "no address")
        equal(k.udp("ip-1.example.").rcode_text, "NXDOMAIN", "the upstream's")
    with k.t.case("an extended error with its text"):
        r = k.udp("x.invalid.", edns=wire.opt())
        equal((r.rcode_text, [rr.owner for rr in r.authority]), ("NXDOMAIN", ["invalid."]))
        equal(r.edns_options(), [(EDE, b"\0\x15not today")])
    with k.t.case("a name of odd octets stays in its string"):
        label = b'x" 1 IN A 192.0.2.1\n;\\'
        octets = (wire.header(7, wire.RD) + bytes([len(label)]) + label + b"\4echo\0" +
                  wire.TYPES["TXT"].to_bytes(2, "big") + b"\0\1")
        r = k.udp(octets)
        equal((r.rcode_text, len(r.answer)), ("NOERROR", 1))
        check(label.lower() in r.answer[0].rdata, str(r.answer[0].rdata))


def aliases(k):
    with k.t.case("a CNAME is followed, upstream and into the cluster"):
        for name, address in (("out.alias.", "192.0.2.80"), ("in.alias.", "10.96.1.1")):
            r = k.udp(name)
            equal((r.rcode_text, [rr.rtype for rr in r.answer], r.addresses()),
                  ("NOERROR", [wire.TYPES["CNAME"], wire.TYPES["A"]], [address]), name)
            equal(len(k.udp(name, "CNAME").answer), 1, "asked for itself")
        equal(len(k.udp("loop.alias.").answer), 1, "a loop")


def run(t):
    for extra, judge in ((AZURE, azure), (ADDRESSES, made), (ALIASES, aliases)):
        with Upstream(cluster.world) as up, Keryx(t, cluster.corefile(up.port, extra), FILES) as k:
            judge(k)
            with t.case(f"{judge.__name__}: the cluster answers its own names"):
                equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
    with t.case("a template that cannot be: the server does not start, and says where"):
        status, out, err = run_to_end(
            t, ["-conf", "stdin"], stdin=". {\ntemplate IN A {\nanswer \"{{ if .Name }}\"\n}\n}\n")
        check(status != 0, "it started")
        check(":3: bad record in answer: 'if' is not supported in this version" in out + err, out + err)
