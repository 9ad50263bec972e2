"""The page of `status`, as it is without JavaScript: well-formed, true, and safe from whom it speaks of."""
import json
import time
import urllib.parse

import cluster
from harness import check, equal, until
from keryx import Keryx
from page_html import Page
from page_world import COREFILE, FILES, HOSTILE, UpstreamOfPage, ask_around, pod
from status_test import get, port_of, status

MOST_OCTETS = 60_000


def page(port, path="/", code=200):
    got, headers, body = get(port, path)
    equal(got, code, f"{path}: {body[:300]}")
    equal(headers["Content-Type"], "text/html; charset=utf-8")
    check(len(body.encode()) < MOST_OCTETS, f"{path}: {len(body.encode())} octets")
    return Page(body)


def number(text):
    return int(text.split()[0].replace(",", ""))


def tables(t, k, port):
    with t.case("its tables say what the JSON says"):
        ask_around(k)

        def both():
            """The JSON and the page, of a moment in which nothing was counted: a batch is when it ends."""
            said, shown, after = status(port), page(port), status(port)
            same = all(said[x] == after[x] for x in ("caches", "upstreams")) and \
                said["queries"]["rcodes"] == after["queries"]["rcodes"]
            return (said, shown) if same and said["queries"]["rcodes"].get("SERVFAIL", 0) >= 3 else None
        said, shown = until(both, "the counts", 10 * t.slack)
        equal(shown.table("Cluster zones"), [{
            "Zones": "cluster.local.", "State": "read from manifests", "Services": str(said["clusters"][0]["services"]),
            "Namespaces": str(said["clusters"][0]["namespaces"]),
            "Changed": shown.table("Cluster zones")[0]["Changed"]}])
        rcodes = {row["Response code"]: number(row["Replies"]) for row in shown.table("Replies")}
        equal(rcodes, said["queries"]["rcodes"], "replies")
        cache, kept = shown.table("Cache")[0], said["caches"][0]
        equal([number(cache[x]) for x in ("Hits", "Misses", "Answers kept", "Denials kept")],
              [kept["hits"], kept["misses"], kept["successes"], kept["denials"]])
        asked = shown.table("Upstreams")[0]
        equal((asked["Address"], asked["State"], number(asked["Queries"])),
              (said["upstreams"][0]["address"], "up", said["upstreams"][0]["queries"]))
        check("All is well." in shown.text, shown.text[:300])
    with t.case("charts are drawn by the server, of what it counted"):
        def drawn():
            ask_around(k)
            body = get(port, "/")[2]
            return all(f'<path class="{line}" d="M' in body for line in ("first", "second", "area"))
        until(drawn, "lines in the charts", 30 * t.slack)


def top(t, k, port):
    with t.case("who asks what: the lists of the JSON, hostile names as zone files have them"):
        ask_around(k)
        captions = {"clients": "Clients", "names": "Names", "nxdomain": "Names that", "wasted": "Wasted",
                    "leaked": "Leaked", "errors": "Errors"}

        def same():
            said, shown = json.loads(get(port, "/api/top?n=8")[2])["lists"], page(port)
            for name, rows in said.items():
                found = [rows for caption, rows in shown.tables.items() if caption.startswith(captions[name]) and
                         (name != "names" or caption == "Names")][0]
                got = [(row.get("Name", row.get("Client")).split(" ")[0], number(row["Queries"])) for row in found]
                want = [(row.get("name", row.get("client")).split(" ")[0], row["queries"]) for row in rows]
                if got != want:  # a reply was counted between both
                    return False
            return said
        said = until(same, "the same lists", 10 * t.slack)
        check(said["clients"][0]["client"] == "127.0.0.1" and said["wasted"] and said["errors"], said)


def services(t, k, port):
    with t.case("Services with their readiness; it follows a change"):
        found = {row["Service"]: row for row in page(port, "/?q=prod").services()}
        equal(found["web"], {"Service": "web", "Namespace": "prod", "Type": "cluster IP", "Address": "10.96.1.1",
                             "Endpoints": "2 of 2 ready"})
        equal(found["outside"], {"Service": "outside", "Namespace": "prod", "Type": "external name",
                                 "Address": "www.example.com.", "Endpoints": "none"})
        equal((found["db"]["Type"], found["db"]["Address"]), ("headless", ""))
        check(found["slow"]["Endpoints"] == "0 of 1 ready no answer", found["slow"])
        equal([row["Service"] for row in page(port, "/?q=slow&show=troubled").services()], ["slow"])
        (k.folder / "cluster/pod.json").write_text(pod(True))
        until(lambda: page(port, "/?q=slow").services()[0]["Endpoints"] == "1 of 1 ready", "the pod on the page", 10 * t.slack)
        equal(page(port, "/?q=slow&show=troubled").services(), [])
        (k.folder / "cluster/pod.json").write_text(pod(False))
    with t.case("the filter is a form that keeps what it was asked"):
        for text in ["web prod", "\"><b>", "a&b=c", "ü"]:
            equal(page(port, "/?q=" + urllib.parse.quote(text)).inputs["q"], text)


def browsers(t, port):
    with t.case("headers and types; everything is from here, nothing is inline"):
        for path, kind in [("/", "text/html"), ("/style.css", "text/css"), ("/page.js", "text/javascript"),
                           ("/icon.svg", "image/svg+xml")]:
            code, headers, body = get(port, path)
            equal(code, 200, path)
            equal(headers["Content-Type"].split(";")[0], kind)
            equal(headers["X-Content-Type-Options"], "nosniff")
            equal(headers["Cache-Control"], "no-store")
            policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
            equal([policy[x] for x in ("default-src", "script-src", "style-src", "frame-ancestors")],
                  ["'none'", "'self'", "'self'", "'none'"])
            equal(get(port, path, method="HEAD")[::2], (200, ""), f"HEAD {path}")
            if path != "/":
                check("//" not in body.replace("http://www.w3.org/2000/svg", "").replace("// ", ""), f"{path} leads elsewhere")
        equal(get(port, "/", method="POST")[0], 405)
        equal(get(port, "/", {"Host": "rebound.example"})[0], 421)
        equal(get(port, "/index.html")[0], 404)
    with t.case("parameters that are no good do no harm"):
        for query in ["page=0", "page=-1", "page=x", "page=99999999999999999999", "page=", "q=%00%ff%fe", "q=" + "a" * 5000,
                      "show=nothing", "page=1&page=2", "%zz", "&&&=", "q=" + "%20" * 2000]:
            page(port, "/?" + query)


def hostile(t, k, port):
    with t.case("hostile names and parameters are text"):
        ask_around(k)
        for text in HOSTILE:
            body = get(port, "/?q=" + urllib.parse.quote(text))[2]
            check(text not in body, f"{text!r} is on the page as it came")
            Page(body)


def large(t):
    with t.case("10,000 Services: small pages, each Service once, found at once"):
        objects = [cluster.service(f"s{i:05}", f"10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}", namespace=f"ns{i % 40:02}")
                   for i in range(10_000)]
        with UpstreamOfPage() as upstream, Keryx(t, COREFILE.format(upstream=upstream.port),
                                                 {"cluster/all.json": cluster.listing(*objects)}) as k:
            port = port_of(k)
            first = page(port)
            check("1 to 25 of 10,000" in first.text and "Page 1 of 400" in first.text, first.text[-400:])
            names = []
            for at in [*range(1, 21), 399, 400, 5000]:
                names += [row["Namespace"] + "/" + row["Service"] for row in page(port, f"/?page={at}").services()]
            equal(names[-25:], names[-50:-25], "beyond the last page")
            equal(names[:-25], sorted(set(names)), "each once, in order")
            equal(names[:2] + names[-1:], ["ns00/s00000", "ns00/s00040", "ns39/s09999"])
            equal([row["Service"] for row in page(port, "/?q=s01234").services()], ["s01234"])
            equal([row["Service"] for row in page(port, "/?q=10.100.39.15").services()], ["s09999"])
            began = time.monotonic()
            for _ in range(10):
                page(port, "/?q=s&page=200")
            took = (time.monotonic() - began) / 10
            check(took < 0.5 * t.slack, f"a page takes {took:.3f} s")


def explanations(t, k, port):
    with t.case("an explanation says what the JSON says"):
        asked = "name=slow&namespace=prod"
        said, shown = json.loads(get(port, "/api/explain?" + asked)[2]), page(port, "/explain?" + asked)
        equal(said["found"], False)
        check("Not found. slow A, asked by a pod of the namespace prod" in shown.text, shown.text[:400])
        check(len(said["findings"]) > 0, said)
        for finding in said["findings"]:
            for text in (finding["cause"], finding["cure"]):
                check(text in shown.text, f"{text!r} is not on the page")
        equal([(row["Name"], row["Server block"], row["Plugin"], row["Reason"]) for row in shown.table("search ")],
              [(step["name"], step["server_block"], step["plugin"], step["reason"]) for step in said["steps"]])
        pod_row = shown.table("EndpointSlice slow-1")[0]
        endpoint = said["services"][0]["slices"][0]["endpoints"][0]
        equal((pod_row["Address"], pod_row["Names have it"], pod_row["Why"], pod_row["Ready"], pod_row["Target"]),
              ("10.244.3.10", "out", endpoint["why"], "no", endpoint["target"]))
        equal([shown.inputs[x] for x in ("name", "namespace", "from")], ["slow", "prod", ""])
    with t.case("it follows a pod that becomes ready"):
        (k.folder / "cluster/pod.json").write_text(pod(True))
        until(lambda: "Found. slow A" in page(port, "/explain?" + asked).text, "the name to be found", 10 * t.slack)
        (k.folder / "cluster/pod.json").write_text(pod(False))
    with t.case("each Service leads to its explanation"):
        links = [x for x in page(port, "/?q=web.prod").links if x.startswith("/explain?")]
        equal(links, ["/explain?name=web.prod.svc.cluster.local."])
        check("Found. web.prod.svc.cluster.local. A" in page(port, links[0]).text, "it is not found")
    with t.case("without a name a form; what can't be explained is said"):
        equal(page(port, "/explain").inputs, {"name": "", "namespace": "", "from": ""})
        for query in ["name=a..b", "name=web&from=nobody", "name=web&type=NOTHING", "name=web&namespace=a..b"]:
            code, _, why = get(port, "/api/explain?" + query)
            equal(code, 400, query)
            check(f"No explanation: {why.strip()}" in page(port, "/explain?" + query, 400).text, query)
        for text in HOSTILE:
            quoted = urllib.parse.quote(text)
            for query in (f"name={quoted}.prod.svc.cluster.local.", f"name=web&type={quoted}", f"name=web&namespace={quoted}", f"name=web&from={quoted}"):
                body = get(port, "/explain?" + query)[2]
                check(text not in body, f"{query} is on the page as it came")
                Page(body)


def several(t):
    with t.case("several clusters: a column says which; none: no list"):
        text = """. {
            bind 127.0.0.1
            status 127.0.0.1:0
            kubernetes a.example {
                manifests a.json
            }
        }
        b.example {
            bind 127.0.0.1
            kubernetes b.example {
                manifests b.json
            }
        }"""
        with Keryx(t, text, {name: cluster.listing(cluster.service("web", "10.96.0.1")) for name in ("a.json", "b.json")}) as k:
            shown = page(port_of(k))
            equal([row["Zone"] for row in shown.services()], ["a.example.", "b.example."])
            equal([row["Zones"] for row in shown.table("Cluster zones")], ["a.example.", "b.example."])
        with Keryx(t, ". {\n bind 127.0.0.1\n status 127.0.0.1:0\n whoami\n}\n") as k:
            shown = page(port_of(k))
            check("services" not in shown.ids and "No server block has" in shown.text, shown.text)


def trouble(t):
    with t.case("an upstream that is down is said in the verdict"):
        with UpstreamOfPage() as upstream:
            dead = upstream.port
        with Keryx(t, COREFILE.format(upstream=dead), FILES) as k:
            port = port_of(k)

            def down():
                k.udp("www.example.com.", timeout=8)
                return page(port).table("Upstreams")[0]["State"] == "down"
            until(down, "the upstream to be down", 40 * t.slack)
            check(f"One thing needs attention. Upstream 127.0.0.1:{dead} does not answer." in page(port).text,
                  page(port).text[:400])
            check("Keryx: one thing needs attention" in get(port, "/")[2], "the title")


def run(t):
    with UpstreamOfPage() as upstream, Keryx(t, COREFILE.format(upstream=upstream.port), FILES) as k:
        port = port_of(k)
        tables(t, k, port)
        top(t, k, port)
        services(t, k, port)
        browsers(t, port)
        explanations(t, k, port)
        hostile(t, k, port)
        with t.case("it is JSON as well"):
            check("/api/status" in page(port).links and json.loads(get(port, "/api/status")[2]), "no link")
    large(t)
    several(t)
    trouble(t)
