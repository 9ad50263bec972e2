"""What /metrics says after traffic of every kind: names, types, labels, and as many as were asked."""
import shutil
import signal
import statistics
import subprocess
import time

import cluster
import metrics_table as table
import wire
from api_certificates import Certificates
from api_world import World
from harness import Skip, check, equal, until
from keryx import Keryx
from scrape import Scrape, fetch
from upstream import Upstream, reply

COREFILE = """
cluster.local in-addr.arpa {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    health 127.0.0.1:0
    errors
    kubernetes cluster.local in-addr.arpa {{
        manifests objects.json
        pods insecure
    }}
}}
example.com {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    cache 60
    loop
    forward . 127.0.0.1:{upstream}
}}
plugins.test {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    hosts hosts.txt {{
        192.0.2.7 inline.plugins.test
        fallthrough
    }}
    template IN A {{
        match ^made
        answer "{{{{ .Name }}}} 60 IN A 192.0.2.8"
        fallthrough
    }}
    template IN AAAA {{
        match ^bad-(?P<a>[^.]*)
        answer "{{{{ .Name }}}} 60 IN AAAA {{{{ .Group.a }}}}"
        fallthrough
    }}
    acl blocked.plugins.test {{
        block
    }}
    acl filtered.plugins.test {{
        filter
    }}
    acl dropped.plugins.test {{
        drop
    }}
    acl {{
        allow net 127.0.0.0/8
    }}
}}
limited.test {{
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    rrl {{
        responses-per-second 0.001
        report-only
    }}
    whoami
}}
"""
FILES = {"objects.json": cluster.OBJECTS, "hosts.txt": "192.0.2.6 file.plugins.test\n"}


def world(query, tcp):
    return reply(query, rcode=2) if query.questions[0][0].startswith("bad") else cluster.world(query, tcp)


def port_of(k):
    return k.http["/metrics"][0][1]


def scrape(k):
    return Scrape(fetch(port_of(k)))


class Asker:
    """Asks, and keeps count of what must be found."""

    def __init__(self, k):
        self.k, self.requests, self.replies = k, {}, {}

    def ask(self, zone, plugin, qname, qtype="A", tcp=False, times=1, rcode=None, **kwargs):
        for _ in range(times):
            r = (self.k.tcp if tcp else self.k.udp)(qname, qtype, **kwargs)
            check(r is not None, f"no reply to {qname}")
            if rcode:
                equal(r.rcode_text, rcode, qname)
            self.count(zone, "tcp" if tcp else "udp", qtype)
            key = (zone, plugin, r.rcode_text)
            self.replies[key] = self.replies.get(key, 0) + 1

    def count(self, zone, proto, qtype):
        key = (zone, proto, qtype if qtype in KNOWN_TYPES else "other")
        self.requests[key] = self.requests.get(key, 0) + 1


KNOWN_TYPES = set("A AAAA CNAME DNSKEY DS MX NSEC NSEC3 NS PTR RRSIG SOA SRV TXT HTTPS SVCB ANY".split())


def cluster_names(a):
    zone = "cluster.local."
    for qtype in ("A", "AAAA", "SRV", "TXT", "SOA", "NS", "MX"):
        a.ask(zone, "kubernetes", cluster.SERVICE, qtype)
    a.ask(zone, "kubernetes", cluster.SERVICE, tcp=True, times=3, rcode="NOERROR")
    a.ask(zone, "kubernetes", "none.prod.svc.cluster.local.", times=2, rcode="NXDOMAIN")
    a.ask(zone, "kubernetes", cluster.SERVICE, 65280)
    a.ask(zone, "kubernetes", cluster.SERVICE, edns=wire.opt(flags=0x8000), times=2)
    a.ask("in-addr.arpa.", "kubernetes", "1.1.96.10.in-addr.arpa.", "PTR")


def everything(a):
    cluster_names(a)
    a.ask("dropped", "", "nobody.serves.this.", rcode="REFUSED", times=4)
    a.ask("example.com.", "forward", "www.example.com.", rcode="NOERROR")
    a.ask("example.com.", "cache", "www.example.com.", rcode="NOERROR", times=5)
    a.ask("example.com.", "forward", "none.example.com.", rcode="NXDOMAIN")
    a.ask("example.com.", "cache", "none.example.com.", rcode="NXDOMAIN", times=2)
    a.ask("example.com.", "forward", "bad.example.com.", rcode="SERVFAIL")
    a.ask("example.com.", "forward", "other.example.com.", tcp=True, rcode="NXDOMAIN")
    zone = "plugins.test."
    a.ask(zone, "hosts", "file.plugins.test.", rcode="NOERROR")
    a.ask(zone, "hosts", "inline.plugins.test.", rcode="NOERROR")
    a.ask(zone, "template", "made.plugins.test.", rcode="NOERROR", times=3)
    a.ask(zone, "", "bad-record.plugins.test.", "AAAA", rcode="SERVFAIL")
    a.ask(zone, "acl", "blocked.plugins.test.", rcode="REFUSED", times=2)
    a.ask(zone, "acl", "filtered.plugins.test.", rcode="NOERROR")
    a.ask("limited.test.", "whoami", "limited.test.", rcode="NOERROR", times=3)
    check(a.k.udp("dropped.plugins.test.", timeout=0.3) is None, "dropped, and yet a reply")
    a.count(zone, "udp", "A")


def wrong_messages(k):
    """Each is answered but the last two, which are no queries; by reason."""
    query = wire.query(cluster.SERVICE)
    k.udp(query[:-1])
    k.udp(query[:2] + bytes([query[2] | 0x28]) + query[3:])
    k.udp(wire.query(cluster.SERVICE, edns=wire.opt(version=1)))
    wire.ask_udp(k.address, k.port, b"\0" * 5, 0.1)
    wire.ask_udp(k.address, k.port, query[:2] + bytes([query[2] | 0x80]) + query[3:], 0.1)


def names_and_labels(t, s):
    wanted = {n: v for n, v in table.ALL.items()
              if n not in table.FROM_API and n != "coredns_reload_version_info"}
    with t.case("every metric is there, and no other"):
        missing = sorted(set(wanted) - set(s.types))
        extra = sorted(set(s.types) - set(table.ALL))
        check(not missing and not extra, f"missing {missing}, not in the table {extra}")
    with t.case("types are CoreDNS's"):
        wrong = {n: (s.types[n], kind) for n, (kind, _) in wanted.items() if s.types.get(n) != kind}
        check(not wrong, str(wrong))
    with t.case("labels are CoreDNS's"):
        wrong = {n: s.labels(n) for n, (_, labels) in wanted.items() if s.labels(n) != {frozenset(labels)}}
        check(not wrong, str(wrong))
    with t.case("buckets are CoreDNS's"):
        for name, bounds in table.BOUNDS.items():
            if name in wanted:
                equal(s.bounds(name), sorted(float(b) for b in bounds), name)


def counts(t, k, a, s):
    server = f"dns://127.0.0.1:{k.port}"
    with t.case("queries are counted as they were asked, by zone, protocol and type"):
        for (zone, proto, qtype), count in a.requests.items():
            equal(s.sum("coredns_dns_requests_total", server=server, zone=zone, proto=proto,
                        type=qtype), count, f"{zone} {proto} {qtype}")
        equal(s.sum("coredns_dns_requests_total", server=server), sum(a.requests.values()), "all")
    with t.case("replies are counted by who wrote them and by their code"):
        for (zone, plugin, rcode), count in a.replies.items():
            equal(s.sum("coredns_dns_responses_total", server=server, zone=zone, plugin=plugin,
                        rcode=rcode), count, f"{zone} {plugin} {rcode}")
        equal(s.sum("coredns_dns_responses_total", server=server), sum(a.replies.values()), "all")
    with t.case("each query has a duration and a size, each reply a size"):
        total = sum(a.requests.values())
        equal(s.sum("coredns_dns_request_duration_seconds_count", server=server), total, "durations")
        equal(s.sum("coredns_dns_request_size_bytes_count", server=server), total, "sizes")
        equal(s.sum("coredns_dns_response_size_bytes_count", server=server), sum(a.replies.values()), "replies")
        equal(s.sum("coredns_dns_do_requests_total", server=server), 2, "with DO")
    with t.case("cache, forward and plugins count what they did"):
        for name, labels, count in (
                ("coredns_cache_hits_total", {"type": "success"}, 5),
                ("coredns_cache_hits_total", {"type": "denial"}, 2),
                ("coredns_cache_requests_total", {}, 11), ("coredns_cache_misses_total", {}, 4),
                ("coredns_cache_entries", {"type": "success", "zones": "example.com."}, 1),
                ("coredns_proxy_request_duration_seconds_count", {"rcode": "NOERROR"}, 1),
                ("coredns_proxy_request_duration_seconds_count", {"rcode": "SERVFAIL"}, 1),
                ("coredns_template_matches_total", {"type": "A", "class": "IN"}, 3),
                ("coredns_template_rr_failures_total", {"section": "answer"}, 1),
                ("coredns_acl_blocked_requests_total", {}, 2),
                ("coredns_acl_filtered_requests_total", {}, 1),
                ("coredns_acl_dropped_requests_total", {}, 1),
                ("coredns_acl_allowed_requests_total", {}, 6),
                ("keryx_limited_queries_total", {"limit": "responses", "action": "reported"}, 2),
                ("keryx_limit_table_evictions_total", {}, 0),
                ("keryx_shed_forwards_total", {}, 0),
                ("keryx_dropped_packets_total", {"reason": "malformed"}, 2),
                ("keryx_dropped_packets_total", {"reason": "acl"}, 1),
                ("keryx_malformed_packets_total", {"reason": "format"}, 1),
                ("keryx_malformed_packets_total", {"reason": "opcode"}, 1),
                ("keryx_malformed_packets_total", {"reason": "edns_version"}, 1),
                ("keryx_forwarded_total", {}, 4)):
            equal(s.sum(name, **labels), count, f"{name} {labels}")


def promtool(t, text):
    with t.case("promtool has nothing to say"):
        if not shutil.which("promtool"):
            raise Skip("no promtool: install prometheus")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              capture_output=True, timeout=30, check=False)
        equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool")


def counters(s):
    return {key: value for key, value in s.values.items()
            if s.types.get(s.family_of(key[0])) in ("counter", "histogram")}


def reload(t, k, corefile):
    with t.case("a reload takes nothing back; a refused one is counted"):
        before = scrape(k)
        (k.folder / "Corefile").write_text(corefile.replace("cache 60", "cache 61"))
        k.process.send_signal(signal.SIGUSR1)
        until(lambda: "coredns_reload_version_info" in scrape(k).types, "the new Corefile", 20)
        after = scrape(k)
        back = [key for key, value in counters(before).items() if after.values.get(key, -1) < value]
        check(not back, f"went back: {back[:5]}")
        (k.folder / "Corefile").write_text("no-such-plugin {\n nonsense\n}\n")
        k.process.send_signal(signal.SIGUSR1)
        until(lambda: scrape(k).sum("coredns_reload_failed_total") == 1, "the failure", 20)
        asked = Asker(k)
        asked.ask("cluster.local.", "kubernetes", cluster.SERVICE, rcode="NOERROR")
        equal(scrape(k).sum("coredns_dns_requests_total", zone="cluster.local."),
              before.sum("coredns_dns_requests_total", zone="cluster.local.") + 1, "queries")


def scrape_time(t, k):
    with t.case("a scrape costs little"):
        times = []
        for _ in range(20):
            started = time.perf_counter()
            text = fetch(port_of(k))
            times.append(time.perf_counter() - started)
        print(f"   metrics: {len(text)} octets, scraped in {statistics.median(times) * 1000:.1f} ms, "
              f"at best {min(times) * 1000:.1f}", flush=True)
        check(min(times) < 0.05 * t.slack, f"{min(times)} s")


def from_api(t):
    """Requests by their status, the age of what is known, and how long changes take."""
    wanted = table.FROM_API - {"keryx_snapshot_writes_total"}  # the first one comes much later
    # The brace that ends `kubernetes` in the world's Corefile ends `prometheus` here.
    options = "resync 1h\n    }\n    prometheus 127.0.0.1:0 {"
    with Certificates() as certificates, World(t, certificates, options) as w:
        with t.case("a change that a watch brings is timed; what was listed is not"):
            name = "coredns_kubernetes_dns_programming_duration_seconds"
            check(name not in scrape(w.k).types, "the first list was timed")
            for _ in range(3):
                w.moves()
            until(lambda: scrape(w.k).sum(name + "_count", service_kind="headless_with_selector") == 3,
                  "three changes of endpoints")
        s = scrape(w.k)
        with t.case("what an API server brings has CoreDNS's names, types, labels and buckets"):
            for name in sorted(wanted):
                kind, labels = table.ALL[name]
                equal((s.types.get(name), s.labels(name)), (kind, {frozenset(labels)}), name)
                if name in table.BOUNDS:
                    equal(s.bounds(name), sorted(float(b) for b in table.BOUNDS[name]), name)
        with t.case("requests are counted by status; all that is watched was listed once, just now"):
            name = "coredns_kubernetes_rest_client_requests_total"
            check(s.sum(name, code="200", method="GET") >= 3, "no requests")
            for resource in ("namespaces", "services", "endpointslices"):
                equal(s.sum("keryx_api_lists_total", resource=resource), 1, resource)
                age = s.sum("keryx_api_data_age_seconds", resource=resource)
                check(0 <= age < 60, f"{resource}: {age}")
            equal(s.sum("keryx_api_objects", resource="services"), 4, "services")
        promtool(t, s.text)


def run(t):
    from_api(t)
    with Upstream(world) as up:
        corefile = COREFILE.format(upstream=up.port)
        with Keryx(t, corefile, FILES, args=("-dns.port", "0", "-workers", "2"), wait=False) as k:
            until(lambda: "/metrics" in k.http, "its HTTP address")
            a = Asker(k)
            everything(a)
            wrong_messages(k)
            # What a worker copies once in 100 ms, and the first look of `health`.
            until(lambda: scrape(k).sum("coredns_proxy_conn_cache_misses_total", proto="tcp") == 1 and
                  scrape(k).sum("coredns_health_request_duration_seconds_count") > 0, "all of it")
            s = scrape(k)
            names_and_labels(t, s)
            counts(t, k, a, s)
            promtool(t, s.text)
            scrape_time(t, k)
            reload(t, k, corefile)
