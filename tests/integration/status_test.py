"""`status`: what the page's JSON says while the server works, and who may ask for it."""
import contextlib
import http.client
import json
import signal
import subprocess
import time

import cluster
import wire
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import fill
from harness import check, equal, free_port, until
from keryx import Keryx, run_to_end
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}


def corefile(port, upstream, status="status", extra=""):
    return f"""
. {{
    bind 127.0.0.1
    {status} 127.0.0.1:{port}
    cache 30
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:{upstream}
    {extra}
}}
"""


def get(port, path, headers=None, method="GET", timeout=10):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        got = connection.getresponse()
        return got.status, dict(got.getheaders()), got.read().decode()


def status(port):
    code, _, body = get(port, "/api/status")
    equal(code, 200, body)
    return json.loads(body)


def port_of(k):
    until(lambda: "/" in k.http, f"'http listening' of status; {k.output()}", 10)
    return k.http["/"][-1][1]


def counts(t, k, port):
    with t.case("what it says of clusters, caches, upstreams and queries"):
        for name, rcode in [("web.prod.svc.cluster.local.", 0), ("nothing.prod.svc.cluster.local.", 3),
                            ("x.example.", 3), ("x.example.", 3)]:
            equal(k.udp(name).rcode, rcode, name)
        said = until(lambda: (s := status(port))["queries"]["rcodes"].get("NXDOMAIN", 0) >= 3 and s, "the counts", 10)
        equal(said["version"], subprocess.run([*t.command, "-version"], capture_output=True, text=True, check=True)
              .stdout.split()[0].removeprefix("Keryx-"))
        check(said["uptime_seconds"] > 0 and said["workers"] >= 1, said)
        one = said["clusters"][0]
        equal((one["zones"], one["source"], one["synced"], one["stale"]), (["cluster.local."], "manifests", True, False))
        check(one["services"] >= 3 and one["namespaces"] >= 1 and one["last_change_seconds"] >= 0, one)
        equal(one["resources"], [])
        asked = said["upstreams"]
        equal([(u["up"], u["queries"] >= 1) for u in asked], [(True, True)], asked)
        cache = said["caches"][0]
        check(cache["hits"] >= 1 and cache["misses"] >= 1 and cache["denials"] >= 1, cache)
        queries = said["queries"]
        check(queries["rcodes"]["NOERROR"] >= 1 and queries["received"] >= 4 and queries["forwarded"] >= 1, queries)
        durations = queries["durations"]
        equal(len(durations["counts"]), len(durations["bounds_seconds"]) + 1)
        check(sum(durations["counts"]) >= 4 and durations["sum_seconds"] > 0, durations)


def browsers(t, port):
    with t.case("curl: methods, headers, hosts, other sites"):
        code, headers, body = get(port, "/api/status", method="HEAD")
        equal((code, body), (200, ""))
        check(headers["Content-Security-Policy"].startswith("default-src 'none'; "), headers)
        equal(headers["Cache-Control"], "no-store")
        for options, want in [(["-X", "POST"], "405"), (["-d", "x"], "405"), (["-H", "Host: rebound.example"], "421"),
                              (["-H", "Sec-Fetch-Site: cross-site"], "403"), (["-0"], "200"), (["--compressed"], "200")]:
            out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options,
                                  f"http://127.0.0.1:{port}/api/status"],
                                 capture_output=True, text=True, timeout=20, check=True)
            equal(out.stdout, want, f"status with {options}")
        equal(get(port, "/api/nothing")[0], 404)


def without_prometheus(t, metrics):
    with t.case("metrics have the blocks of `prometheus` alone"):
        text = get(metrics, "/metrics")[2]
        check('zone="."' in text, "the block of prometheus is not scraped")
        check('zone="other."' not in text, "a block without prometheus is scraped")


def reloads(t, k, port, upstream):
    def reload(text):
        done = sum("Reloading complete" in line or "reload failed" in line for line in k.lines)
        (k.folder / "Corefile").write_text(text)
        k.process.send_signal(signal.SIGUSR1)
        until(lambda: sum("Reloading complete" in x or "reload failed" in x for x in k.lines) > done, "the reload", 20)

    with t.case("a reload: the listener and the counts stay, and what is said is of the new instance"):
        before = status(port)
        reload(corefile(port, upstream, extra="no_such_plugin"))
        check(status(port)["caches"], "what is served is not the old instance")
        reload(corefile(port, upstream).replace("    cache 30\n", ""))
        after = status(port)
        equal(after["caches"], [])
        check(after["uptime_seconds"] > before["uptime_seconds"], "the uptime begins anew")
        check(after["queries"]["received"] >= before["queries"]["received"], "the counts begin anew")
    with t.case("a reload to another address, to none, and back"):
        other = free_port()
        reload(corefile(other, upstream))
        status(other)
        check(refused(port), "the old address is still open")
        reload(corefile(other, upstream, status="#"))
        check(refused(other), "it is still open")
        reload(corefile(port, upstream))
        status(port)


def refused(port):
    try:
        get(port, "/api/status")
    except ConnectionRefusedError:
        return True
    return False


def takeover(t, upstream):
    with t.case("-takeover hands the listener on: no request is refused"):
        port = free_port()
        text = corefile(port, upstream)
        first = Keryx(t, text, FILES, args=("-dns.port", str(free_port())))
        path = first.folder.parent / f"{first.folder.name}.sock"
        first.command += ["-takeover", str(path)]
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: path.unlink(missing_ok=True))
            stack.enter_context(first)
            status(port)
            started = time.monotonic()
            second = stack.enter_context(Keryx(t, text, FILES, args=first.command[-4:]))
            until(lambda: status(port) and not first.alive(), "the end of the old process", 30 * t.slack)
            equal(first.process.returncode, 0, "exit status of the old process")
            first.stopped = True
            check(status(port)["uptime_seconds"] < time.monotonic() - started, "not the new process")
            check(second.alive(), second.output())


def of_an_api_server(t):
    with t.case("what is known of an API server, before and after it answers"), contextlib.ExitStack() as stack:
        store = Store(endpoints=True)
        fill(store)
        server = stack.enter_context(Server(store, stack.enter_context(Certificates())))
        server.down()
        text = """. {
            bind 127.0.0.1
            status 127.0.0.1:0
            kubernetes cluster.local {
                kubeconfig kubeconfig
                startup_timeout 100ms
            }
        }"""
        k = stack.enter_context(Keryx(t, text, {"kubeconfig": kubeconfig(server)}))
        port = port_of(k)
        one = status(port)["clusters"][0]
        equal((one["source"], one["synced"], one["last_change_seconds"]), ("api", False, None))
        equal({r["age_seconds"] for r in one["resources"]}, {None}, "ages")
        server.up()
        until(lambda: status(port)["clusters"][0]["synced"], "the sync", 60 * t.slack)
        one = status(port)["clusters"][0]
        equal({r["resource"] for r in one["resources"]}, {"namespaces", "services", "endpointslices"})
        check(all(r["objects"] > 0 and r["age_seconds"] >= 0 for r in one["resources"]), one)


def conflicts(t):
    with t.case("an address that is taken is an error at start, and at a check where it shows"):
        taken = ". {\n status 127.0.0.1:8182\n health 127.0.0.1:8182\n}\n"
        code, _, err = run_to_end(t, ["check", "-conf", "stdin"], stdin=taken)
        equal(code, 1)
        check("status needs an address of its own; health listens on its port" in err, err)
        code, out, _ = run_to_end(t, ["check", "-conf", "stdin"], stdin=". {\n status\n}\n")
        equal(code, 0)
        check("plugin/status: http://127.0.0.1:8182/" in out, out)


def no_such_name(query, _):
    """NXDOMAIN that may be kept for half a minute."""
    times = bytes(16) + (30).to_bytes(4, "big")
    soa = wire.record(".", "SOA", 1, 30, wire.name("a.") + wire.name("b.") + times)
    return reply(query, soa, authority=1, rcode=wire.NXDOMAIN)


def run(t):
    conflicts(t)
    with contextlib.ExitStack() as stack:
        up = stack.enter_context(Upstream(no_such_name))
        port, metrics = free_port(), free_port()
        text = corefile(port, up.port)
        k = stack.enter_context(Keryx(t, text, FILES))
        equal(port_of(k), port)
        counts(t, k, port)
        browsers(t, port)
        reloads(t, k, port, up.port)
        both = corefile(free_port(), up.port, extra=f"prometheus 127.0.0.1:{metrics}") + "other:0 {\n bind 127.0.0.1\n whoami\n}\n"
        with Keryx(t, both, FILES) as second:
            second.udp("a.other.", "A")
            second.udp("web.prod.svc.cluster.local.", "A")
            without_prometheus(t, metrics)
        takeover(t, up.port)
    of_an_api_server(t)

