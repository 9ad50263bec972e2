"""No query is lost while servers restart, reload or take over from each other, asked by a client that
never asks twice.

Two servers stand behind one address in a network namespace; the test is their kube-proxy: it takes a
server out when its /ready says so and forgets its connections.
"""
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

import cluster
import wire
from harness import Skip, check, equal, free_port, until
from keryx import Keryx
from namespace import Namespace, entered
from steady_client import Steady

RATE = 2000  # queries a second
ROUNDS = 10
SERVICE_IP = "10.96.0.10"
BACKENDS = ["10.1.0.1", "10.1.0.2"]
NAMES = [cluster.SERVICE, "db.prod.svc.cluster.local.", "hosted.example."]


def corefile(address, lameduck="2s", number=1):
    return f"""
. {{
    bind {address}
    errors
    health {address}:8080 {{
        lameduck {lameduck}
    }}
    ready {address}:8181
    hosts {{
        192.0.2.{number} hosted.example
        fallthrough
    }}
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:9
    reload 30s
}}
"""


class Backend(Keryx):
    """A server in the namespace, on port 53 of its address."""

    def __init__(self, t, ns, address):
        super().__init__(t, corefile(address), {"objects.json": cluster.OBJECTS}, args=(), netns=ns.name)
        self.ns, self.own_address, self.number = ns, address, 1

    def is_ready(self):
        """Asked from within the namespace."""
        try:
            with urllib.request.urlopen(f"http://{self.own_address}:8181/ready", timeout=1) as ready:
                return ready.status == 200
        except (OSError, http.client.HTTPException):  # nobody is there, or goes while it is asked
            return False

    def restart(self):
        """Ends it with SIGTERM, as the kubelet does, and starts it again."""
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(20 * self.t.slack), 0, "exit status")
        self.process.stdout.close()
        self.lines, self.listens = [], []
        self.start()

    def reload(self):
        self.number = self.number % 250 + 1
        (self.folder / "new").write_text(corefile(self.own_address, number=self.number))
        (self.folder / "new").rename(self.folder / "Corefile")
        before = sum("Reloading complete" in line for line in self.lines)
        self.process.send_signal(signal.SIGUSR1)
        until(lambda: sum("Reloading complete" in line for line in self.lines) > before, "the reload", 10)


class Proxy:
    """Sends what is for the service to the servers that are ready, as kube-proxy's iptables mode does. It has to see
    that one ends before that one's lameduck is over: `slowest` is the longest that it took between two looks."""

    def __init__(self, ns, backends):
        self.ns, self.backends, self.inside, self.slowest = ns, backends, None, 0.0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def aim(self):
        ready = [b for b in self.backends if b.is_ready()]
        if ready == self.inside or not ready:
            return
        rules = [f"-A OUTPUT -d {SERVICE_IP} -p udp --dport 53 "
                 + (f"-m statistic --mode random --probability {1 / (len(ready) - i):.4f} " if i < len(ready) - 1
                    else "") + f"-j DNAT --to-destination {b.own_address}:53" for i, b in enumerate(ready)]
        table = "\n".join(["*nat", ":OUTPUT ACCEPT", *rules, "COMMIT", ""])
        path = pathlib.Path(self.backends[0].folder) / "rules"
        path.write_text(table)
        subprocess.run(["iptables-restore", str(path)], check=True)
        for b in self.backends:
            if b not in ready:
                subprocess.run(["conntrack", "-D", "-p", "udp", "--orig-dst", SERVICE_IP, "--reply-src",
                                b.own_address], capture_output=True, check=False)
        self.inside = ready

    def watch(self):
        with entered(self.ns.name):
            while True:
                began = time.monotonic()
                self.aim()
                ended = self.ending.wait(0.1)
                self.slowest = max(self.slowest, time.monotonic() - began)
                if ended:
                    return


def rolling(t):
    for tool in ("iptables-restore", "conntrack"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    with Namespace([a + "/24" for a in BACKENDS], "") as ns:
        ns.run("ip", "route", "add", SERVICE_IP, "dev", "pod0")
        with Backend(t, ns, BACKENDS[0]) as one, Backend(t, ns, BACKENDS[1]) as two:
            with Proxy(ns, [one, two]) as proxy:
                until(lambda: proxy.inside == [one, two], "two servers to be ready", 20)
                if ns.run("dig", f"@{SERVICE_IP}", "+tries=1", cluster.SERVICE, ok=False).returncode:
                    raise Skip("no DNAT here")
                with t.case(f"{ROUNDS} rolling restarts at {RATE} queries a second: none is lost"):
                    with Steady(SERVICE_IP, 53, RATE, NAMES, ns.name) as client:
                        for i in range(ROUNDS):
                            backend = (one, two)[i % 2]
                            backend.restart()
                            until(lambda: proxy.inside == [one, two], "it to be back", 20)
                    print(f"   the proxy looked every {proxy.slowest:.2f} s or sooner", flush=True)
                    judge(client)
                with t.case(f"{ROUNDS} reloads at {RATE} queries a second: none is lost"):
                    with Steady(SERVICE_IP, 53, RATE, NAMES, ns.name) as client:
                        for i in range(ROUNDS):
                            (one, two)[i % 2].reload()
                            time.sleep(0.2)  # for queries to come between two reloads
                    judge(client)


def judge(client):
    result = client.result
    print(f"   {result}", flush=True)
    check(result["asked"] > 1000, f"too few: {result}")
    equal(client.lost(), 0, f"lost ({result})")
    equal(result["wrong"], 0, "wrong replies")


def takeover_corefile(port, number=1):
    return f"""
.:{port} {{
    bind 127.0.0.1
    errors
    hosts {{
        192.0.2.{number} hosted.example
        fallthrough
    }}
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:9
}}
"""


def started(t, text, path):
    k = Keryx(t, text, {"objects.json": cluster.OBJECTS}, args=("-takeover", str(path)))
    k.start()
    return k


def ended(k):
    """It has ended by itself, and well."""
    status = k.process.wait(20 * k.t.slack)
    equal(status, 0, f"exit status of the old process ({k.output()})")
    check(not k.complaints(), "\n".join(k.complaints()[:1]))
    k.stopped = True
    k.__exit__()


def takeover(t):
    port, slack = free_port(), t.slack
    first = Keryx(t, takeover_corefile(port), {"objects.json": cluster.OBJECTS}, args=())
    path = first.folder.parent / f"{first.folder.name}.sock"
    first.command += ["-takeover", str(path)]
    first.start()
    current = first
    try:
        with t.case(f"{ROUNDS} takeovers at {RATE} queries a second: none is lost"):
            with Steady("127.0.0.1", port, RATE, NAMES) as client:
                for i in range(ROUNDS):
                    after = started(t, takeover_corefile(port, number=i + 2), path)
                    ended(current)
                    current = after
            judge(client)
            equal(current.udp("hosted.example.").addresses(), [f"192.0.2.{ROUNDS + 1}"])
        with t.case("a connection that is open while another process takes over is served to its end"):
            sock = wire.open_tcp(current.address, current.port)
            exchange(sock, "hosted.example.")
            after = started(t, takeover_corefile(port, number=77), path)
            until(lambda: any("has taken over" in line for line in current.lines), "the takeover", 10 * slack)
            equal(exchange(sock, "hosted.example."), [f"192.0.2.{ROUNDS + 1}"])
            sock.close()
            ended(current)
            current = after
            equal(current.tcp("hosted.example.").addresses(), ["192.0.2.77"])
        with t.case("a process that wants to take over and fails changes nothing"):
            broken = Keryx(t, takeover_corefile(port) + "\nnonsense {\n nonsense\n}\n", {"objects.json": cluster.OBJECTS},
                           args=("-takeover", str(path)))
            try:
                broken.start()
            except AssertionError:
                pass
            check(broken.process.wait(10) != 0, "it should have failed")
            broken.kill()
            shutil.rmtree(broken.folder, ignore_errors=True)
            equal(current.udp("hosted.example.").addresses(), ["192.0.2.77"])
            check(current.alive(), "the running process ended")
        with t.case("another user cannot have the sockets"):
            equal(path.stat().st_mode & 0o777, 0o600, "mode of the socket")
    finally:
        current.__exit__()
        path.unlink(missing_ok=True)


def waiting(t):
    """A process that takes over, and has not read its objects yet, takes no probe and no query."""
    port, http = free_port(), free_port()
    text = takeover_corefile(port).replace("    errors\n", f"    errors\n    ready 127.0.0.1:{http}\n")
    cold = text.replace("manifests objects.json", "endpoint http://127.0.0.1:9\n startup_timeout 60s")
    first = Keryx(t, text, {"objects.json": cluster.OBJECTS}, args=())
    path = first.folder.parent / f"{first.folder.name}.sock"
    first.command += ["-takeover", str(path)]
    second = Keryx(t, cold, args=("-takeover", str(path)))
    try:
        with first, t.case("while a process that takes over waits for its API server, the old one has all to itself"):
            process = subprocess.Popen(second.command, cwd=second.folder, stdout=subprocess.PIPE, text=True)
            try:
                until(lambda: "waiting for Kubernetes API" in process.stdout.readline(), "the new one to wait", 20)
                for _ in range(50):
                    with urllib.request.urlopen(f"http://127.0.0.1:{http}/ready", timeout=5) as ready:
                        equal(ready.status, 200)
                    check(first.udp("hosted.example."), "no reply")
            finally:
                process.terminate()
                equal(process.wait(20 * t.slack), 0, "exit status of the new one")
                process.stdout.close()
            equal(first.udp("hosted.example.").addresses(), ["192.0.2.1"])
    finally:
        shutil.rmtree(second.folder, ignore_errors=True)
        path.unlink(missing_ok=True)


def exchange(sock, name):
    sock.sendall(wire.frame(wire.query(name)))
    return wire.parse(wire.read_frame(sock)).addresses()


def run(t):
    if os.geteuid() != 0:
        t.skip("rolling restarts", "needs root for network namespaces")
    else:
        try:
            rolling(t)
        except Skip as why:
            t.skip("rolling restarts", why)
    takeover(t)
    waiting(t)
