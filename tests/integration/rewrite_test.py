"""`rewrite` of names: another name is asked for, and the client does not see it."""
import cluster
import wire
from harness import check, equal
from keryx import Keryx
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
GARDENER = r"""rewrite stop {
      name regex (^(?:[^\.]+\.)+)svc\.cluster\.local\.svc\.cluster\.local {1}svc.cluster.local
      answer name (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
      answer value (^(?:[^\.]+\.)+)svc\.cluster\.local {1}svc.cluster.local.svc.cluster.local
    }"""
AZURE = r"""rewrite stop {
      name regex (.*)\.example\.org {1}.prod.svc.cluster.local
      answer name (.*)\.prod\.svc\.cluster\.local {1}.example.org
    }"""
KINDS = """rewrite name old.test www.example.com
    rewrite continue name suffix .mid.test .far.test answer auto
    rewrite name suffix .far.test .example.com answer auto
    rewrite name prefix bad. .."""


def world(query, tcp):
    """As the cluster's, but mail.example.com has an MX record and its address beside it."""
    qname, qtype, _ = query.questions[0]
    if qname.lower() == "mail.example.com." and qtype == wire.TYPES["MX"]:
        return reply(query, wire.record(qname, "MX", 1, 60, b"\0\12" + wire.name("mx.example.com.")) +
                     wire.record("mx.example.com.", "A", 1, 60, b"\xc0\0\2\1"), 1, additional=1)
    return cluster.world(query, tcp)


def gardener(k, up, how):
    with k.t.case(f"{how}: what Gardener ships: a search domain too many is cut, and put back"):
        for ask in (k.udp, k.tcp):
            name = "WEB.prod.svc.cluster.local.svc.cluster.local."
            r = ask(name, edns=wire.opt(), ident=0x7788)
            equal((r.ident, r.rcode_text, r.questions[0][0], [rr.owner for rr in r.answer], r.addresses()),
                  (0x7788, "NOERROR", name, [name], ["10.96.1.1"]))
            check(r.flags & wire.AA, "AA is clear")
            check(r.edns is not None, "no OPT")
        r = k.udp("inside.prod.svc.cluster.local.svc.cluster.local.")
        equal([rr.target() for rr in r.answer if rr.rtype == wire.TYPES["CNAME"]],
              ["web.prod.svc.cluster.local.svc.cluster.local."])
    with k.t.case(f"{how}: a name that does not exist under either spelling"):
        r = k.udp("nope.prod.svc.cluster.local.svc.cluster.local.")
        equal((r.rcode_text, len(r.authority)), ("NXDOMAIN", 1))
    check_cluster(k, how)


def azure(k, up, how):
    with k.t.case(f"{how}: what Azure documents: services under a domain of one's own"):
        r = k.udp("web.example.org.")
        equal((r.rcode_text, [rr.owner for rr in r.answer], r.addresses()),
              ("NOERROR", ["web.example.org."], ["10.96.1.1"]))
    check_cluster(k, how)


def kinds(k, up, how):
    with k.t.case(f"{how}: an exact name goes upstream as another"):
        r = k.udp("Old.test.")
        equal((r.questions[0][0], [rr.owner for rr in r.answer], r.addresses()),
              ("Old.test.", ["Old.test."], ["192.0.2.80"]))
        equal(up.asked[-1][0].lower(), "www.example.com.", "asked upstream")
    with k.t.case(f"{how}: suffixes, one rule after the other, and both put back"):
        r = k.udp("mail.mid.test.", "MX")
        equal((r.rcode_text, [rr.owner for rr in r.answer], [rr.target() for rr in r.answer]),
              ("NOERROR", ["mail.mid.test."], ["mx.mid.test."]))
        equal(up.asked[-1][0].lower(), "mail.example.com.", "asked upstream")
    with k.t.case(f"{how}: a denial, and a name that rewriting spoils"):
        r = k.udp("nope.mid.test.")
        equal((r.rcode_text, r.questions[0][0]), ("NXDOMAIN", "nope.mid.test."))
        equal(k.udp("bad.test.").rcode_text, "SERVFAIL")
    check_cluster(k, how)


def check_cluster(k, how):
    with k.t.case(f"{how}: other names are answered as ever"):
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
        equal(k.udp("www.example.com.").addresses(), ["192.0.2.80"])


def run(t):
    for extra, judge in ((GARDENER, gardener), (AZURE, azure), (KINDS, kinds)):
        for how, cache in (("uncached", ""), ("cached", "\n    cache")):
            with Upstream(world) as up, Keryx(t, cluster.corefile(up.port, extra + cache), FILES) as k:
                judge(k, up, how)
