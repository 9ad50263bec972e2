"""Real clients in a network namespace with a pod's resolv.conf: glibc, dig, nslookup, Node, curl, drill,
kdig, busybox. Once with examples/kubia over IPv4, once with IPv6 only, once with IPv6 disabled.
"""
import re
import shutil

import cluster
from harness import Skip, check, equal, until
from keryx import Keryx
from namespace import Namespace
from nsd import Nsd

SEARCH = ("search default.svc.cluster.local svc.cluster.local cluster.local corp.example eng.corp.example "
          "example.net\noptions ndots:5\n")
FQDN = "kubia.default.svc.cluster.local"
ZONES = {
    ".": ". 60 IN SOA a.root.example. nobody.example. 1 7200 1800 86400 60\n"
         ". 60 IN NS a.root.example.\na.root.example. 60 IN A 192.0.2.250\n",
    "httpbin.org": "$ORIGIN httpbin.org.\n@ 60 IN SOA ns1 hostmaster 1 7200 1800 86400 60\n"
                   "@ 60 IN NS ns1\nns1 60 IN A 192.0.2.53\n"
                   "@ 60 IN A 198.51.100.7\n@ 60 IN AAAA 2001:db8::7\n",
}
SIX = cluster.listing(
    cluster.service("kubia", "fd00:66::13:240", namespace="default"),
    cluster.service("kubia-headless", namespace="default"),
    cluster.endpoint_slice("h-1", "kubia-headless", ["fd00::8", "fd00::25"], namespace="default",
                           family="IPv6"),
    cluster.external("external-service-externalname", "httpbin.org", namespace="default"),
    cluster.service("kube-dns", "fd00:66::10", namespace="kube-system"))


def corefile(manifests, upstream):
    return f""".:53 {{
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        manifests {manifests}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }}
    forward . {upstream}
    loadbalance
}}
"""


def words(text):
    return set(re.findall(r"[0-9a-f.:]+", text))


def tool(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    return name


def node(ns, call):
    """What a callback of Node's dns module is given, as text."""
    return ns.out(tool("node"), "-e",
                  f"require('dns').{call}, (e, ...x) => {{ console.log(e ? e.code : JSON.stringify(x)) }})")


def cases(ns, address, reverse, headless, rtype, outside):
    """(name, what it prints, words that have to be in it). By short name first, then by full name."""
    family = 6 if rtype == "AAAA" else 4
    return [
        ("getent hosts kubia", lambda: ns.out("getent", "hosts", "kubia"), [address, FQDN]),
        ("getent hosts kubia.default", lambda: ns.out("getent", "hosts", "kubia.default"), [address]),
        ("getent hosts by FQDN", lambda: ns.out("getent", "hosts", FQDN), [address]),
        ("getent hosts by address", lambda: ns.out("getent", "hosts", address), [FQDN]),
        ("getent ahosts kubia-headless", lambda: ns.out("getent", "ahosts", "kubia-headless"), headless),
        ("getent ahosts external-service-externalname",
         lambda: ns.out("getent", "ahosts", "external-service-externalname"), [outside]),
        ("dig +search kubia", lambda: ns.out("dig", "+search", "+short", "kubia", rtype), [address]),
        ("dig +search kubia.default",
         lambda: ns.out("dig", "+search", "+short", "kubia.default", rtype), [address]),
        ("nslookup kubia", lambda: ns.out("nslookup", f"-type={rtype}", "kubia"), [address]),
        ("nslookup kubia-headless",
         lambda: ns.out("nslookup", f"-type={rtype}", "kubia-headless"), headless),
        ("nslookup -type=CNAME external-service-externalname",
         lambda: ns.out("nslookup", "-type=CNAME", "external-service-externalname"),
         ["canonical name = httpbin.org"]),
        ("Node dns.lookup kubia", lambda: node(ns, "lookup('kubia'"), [address]),
        ("curl by short name", lambda: ns.out("curl", "-sS", "http://kubia-headless:8080/hello"),
         ["served"]),
        ("curl by namespace", lambda: ns.out("curl", "-sS", "http://kubia-headless.default:8080/hello"),
         ["served"]),
        ("curl to the cluster IP", lambda: ns.out("curl", "-sS", "http://kubia/hello"), ["served"]),
        ("drill by FQDN", lambda: ns.out(tool("drill"), FQDN, rtype), [address]),
        ("kdig by FQDN", lambda: ns.out(tool("kdig"), "+short", FQDN, rtype), [address]),
        ("kdig over TCP", lambda: ns.out(tool("kdig"), "+tcp", "+short", FQDN, rtype), [address]),
        ("busybox nslookup by FQDN", lambda: ns.out(tool("busybox"), "nslookup", FQDN), [address]),
        (f"Node dns.resolve{family} by FQDN", lambda: node(ns, f"resolve{family}('{FQDN}'"), [address]),
        ("Node dns.resolveCname by FQDN",
         lambda: node(ns, "resolveCname('external-service-externalname.default.svc.cluster.local'"),
         ["httpbin.org"]),
        ("Node dns.resolveSrv by FQDN",
         lambda: node(ns, "resolveSrv('kubia-headless.default.svc.cluster.local'"), ["8080"]),
        ("Node dns.reverse", lambda: node(ns, f"reverse('{address}'"), [FQDN]),
        ("dig -x", lambda: ns.out("dig", "+short", "-x", reverse), [FQDN]),
        ("dig by FQDN over TCP", lambda: ns.out("dig", "+tcp", "+short", FQDN, rtype), [address]),
        ("a name outside", lambda: ns.out("dig", "+short", "httpbin.org", rtype), [outside]),
    ]


def served(t, ns, manifests, upstream, zones_at, files=None):
    """NSD and Keryx inside the namespace; the second waits until the first query is answered."""
    return Nsd(ZONES, zones_at, 5301, ns.name), Keryx(
        t, corefile(manifests, upstream), files, args=(), netns=ns.name)


def ask_all(t, ns, todo, label):
    until(lambda: ns.run("dig", "+tries=1", "+time=1", FQDN, ok=False).returncode == 0, "an answer", 15)
    for name, ask, wanted in todo:
        with t.case(f"{label}: {name}"):
            got = ask()
            for word in wanted:
                check(word in got, f"'{word}' is not in: {got.strip()}")


def four(t):
    with Namespace(["10.0.1.1/24", "10.66.0.10/32", "10.66.13.240/32", "10.0.0.8/32", "10.0.2.5/32"],
                   f"nameserver 10.66.0.10\n{SEARCH}") as ns:
        ns.serve_http(8080, "0.0.0.0")
        ns.serve_http(80, "10.66.13.240")
        nsd, keryx = served(t, ns, t.root / "examples/kubia/cluster", "127.0.0.1:5301", "127.0.0.1")
        with nsd, keryx:
            address, ready = "10.66.13.240", ["10.0.0.8", "10.0.2.5"]
            ask_all(t, ns, cases(ns, address, address, ready, "A", "198.51.100.7"), "IPv4")
            with t.case("IPv4: nslookup kubia-headless gives the two ready pods"):
                got = words(ns.out("nslookup", "kubia-headless")) & {*ready, "10.0.2.4"}
                equal(got, set(ready))
            with t.case("IPv4: nslookup kubia-headless-all gives all three"):
                got = words(ns.out("nslookup", "kubia-headless-all")) & {*ready, "10.0.2.4"}
                equal(got, {*ready, "10.0.2.4"})
            with t.case("IPv4: no complaint about recursion"):
                got = ns.out("dig", FQDN)
                check("recursion requested but not available" not in got, got)


def six(t):
    with Namespace(["fd00::1/64", "fd00:66::10/128", "fd00:66::13:240/128", "fd00::8/128", "fd00::25/128"],
                   f"nameserver fd00:66::10\n{SEARCH}") as ns:
        ns.serve_http(8080, "::")
        ns.serve_http(80, "fd00:66::13:240")
        nsd, keryx = served(t, ns, "objects.json", "[::1]:5301", "::1", {"objects.json": SIX})
        with nsd, keryx:
            address = "fd00:66::13:240"
            ask_all(t, ns, cases(ns, address, address, ["fd00::8", "fd00::25"], "AAAA", "2001:db8::7"),
                    "IPv6 only")


def six_disabled(t):
    off = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
    with Namespace(["10.0.1.1/24", "10.66.0.10/32"], f"nameserver 10.66.0.10\n{SEARCH}", off) as ns:
        nsd, keryx = served(t, ns, t.root / "examples/kubia/cluster", "127.0.0.1:5301", "127.0.0.1")
        with nsd, keryx:
            todo = [("getent hosts kubia", lambda: ns.out("getent", "hosts", "kubia"), ["10.66.13.240"]),
                    ("dig", lambda: ns.out("dig", "+short", FQDN), ["10.66.13.240"]),
                    ("dig over TCP", lambda: ns.out("dig", "+tcp", "+short", FQDN), ["10.66.13.240"])]
            ask_all(t, ns, todo, "IPv6 disabled")


def run(t):
    for part in (four, six, six_disabled):
        try:
            part(t)
        except Skip as why:
            t.skip(part.__name__, why)
