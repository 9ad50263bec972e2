"""/health and /ready as probes see them: with a real client, through a sync, a flood of slow connections, a lameduck.

The API server is ours (api_server.py): it is away when the server starts, and comes back when a case says so.
"""
import contextlib
import http.client
import resource
import signal
import socket
import subprocess
import time

from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import fill
from harness import check, equal, until
from keryx import Keryx

COREFILE = """cluster.local:0 {
    bind 127.0.0.1
    health 127.0.0.1:0 {
        lameduck 3s
    }
    ready 127.0.0.1:0
    kubernetes cluster.local {
        kubeconfig kubeconfig
        startup_timeout 100ms
    }
}
"""
DRIPPING = 500


def get(k, path):
    """(status, body) on a connection of its own."""
    connection = http.client.HTTPConnection(*k.http[path][0], timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def announced(k):
    until(lambda: "/health" in k.http and "/ready" in k.http, f"'http listening' lines; {k.output()}", 10)


def becomes_ready(t, k, server):
    with t.case("not ready before the API is synced, healthy all along"):
        equal(get(k, "/ready"), (503, "kubernetes"), "/ready")
        equal(get(k, "/health"), (200, "OK"), "/health")
    with t.case("ready once it is synced, and then also when the API server is away"):
        server.up()
        until(lambda: get(k, "/ready") == (200, "OK"), "/ready", 60 * t.slack)
        server.down()
        equal(get(k, "/ready"), (200, "OK"), "/ready")


def as_probes_do(t, k):
    address, port = k.http["/health"][0]
    with t.case("curl: one connection for several requests, HTTP/1.0, HEAD, what is not there"):
        url = f"http://{address}:{port}/health"
        out = subprocess.run(["curl", "-sv", url, url], capture_output=True, text=True, timeout=10, check=True)
        equal(out.stdout, "OKOK", "bodies")
        check("Re-using existing connection" in out.stderr, out.stderr)
        for options, want in [(["-0"], "200"), (["-I"], "200"), (["-X", "POST"], "405"), (["-d", "x"], "400")]:
            out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options, url],
                                 capture_output=True, text=True, timeout=10, check=True)
            equal(out.stdout, want, f"status with {options}")
        out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url + "z"],
                             capture_output=True, text=True, timeout=10, check=True)
        equal(out.stdout, "404", "status of another path")


def slow_drip(t, k):
    where = k.http["/health"][0]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with t.case(f"{DRIPPING} connections that drip an octet a second: /health within 1 s"), contextlib.ExitStack() as stack:
        clients, longest = [], 0.0
        stack.callback(lambda: [c.close() for c in clients])
        end, next_drip = time.monotonic() + 5, time.monotonic()
        while time.monotonic() < end:
            while len(clients) < DRIPPING:
                clients.append(socket.create_connection(where, 5))
            if time.monotonic() >= next_drip:
                next_drip += 1
                alive = []
                for client in clients:
                    try:
                        client.send(b"G")
                        alive.append(client)
                    except OSError:
                        client.close()
                clients = alive
            started = time.monotonic()
            equal(get(k, "/health"), (200, "OK"), "/health")
            longest = max(longest, time.monotonic() - started)
        check(longest < 1.0 * t.slack, f"{longest:.2f} s")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def lameduck(t, k):
    with t.case("SIGTERM: not ready at once, healthy and serving until the lameduck ends"):
        k.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        until(lambda: get(k, "/ready")[0] == 503, "/ready to be 503", 1 * t.slack)
        equal(get(k, "/health"), (200, "OK"), "/health")
        check(k.udp("web.stable.svc.cluster.local.", "A"), "no reply during the lameduck")
        k.stopped = True
        equal(k.process.wait(10 * t.slack), 0, "exit status")
        check(time.monotonic() - started > 2.9, "it ended before the lameduck did")
        told = k.output()
        check("[INFO] SIGTERM: Shutting down servers then terminating" in told, told)
        check("[INFO] plugin/health: Going into lameduck mode for 3s" in told, told)


def run(t):
    with contextlib.ExitStack() as stack:
        store = Store(endpoints=True)
        fill(store)
        server = stack.enter_context(Server(store, stack.enter_context(Certificates())))
        server.down()
        k = stack.enter_context(Keryx(t, COREFILE, {"kubeconfig": kubeconfig(server)}))
        announced(k)
        becomes_ready(t, k, server)
        as_probes_do(t, k)
        slow_drip(t, k)
        lameduck(t, k)
