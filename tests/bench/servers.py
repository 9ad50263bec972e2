"""The processes of the bench: keryx, the echo and the peers, each pinned, with a free port.

`Bench` is one run: its options, its folder, and all that was started, which it ends. A server is
ready when it has answered the question it was given with NOERROR.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import wire
from harness import free_port, until

HERE = pathlib.Path(__file__).resolve().parent

# kubeadm's, with free ports and manifests for the API server.
KUBEADM = """
.:%(port)d {
    errors
    %(log)s
    health :%(health)d {
       lameduck 5s
    }
    ready :%(ready)d
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       %(source)s
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :%(metrics)d
    forward . 127.0.0.1:%(upstream)d {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
"""
# One A record, nothing beside it; and no limit of replies a second.
NSD = """
server:
  ip-address: 127.0.0.1@%(port)d
  username: ""
  zonesdir: "%(folder)s"
  database: ""
  pidfile: ""
  server-count: 1
  minimal-responses: yes
  rrl-ratelimit: 0
  tcp-count: 1000
  tcp-query-count: 0
  xfrdfile: "%(folder)s/xfrd-%(port)d"
  zonelistfile: "%(folder)s/zonelist-%(port)d"
remote-control:
  control-enable: no
zone:
  name: "%(zone)s"
  zonefile: "%(file)s"
"""
KNOT = """
server:
    rundir: "%(folder)s/knot-%(port)d"
    listen: 127.0.0.1@%(port)d
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "%(folder)s/knot-%(port)d"
log:
  - target: stderr
    any: warning
zone:
  - domain: "%(zone)s"
    file: "%(folder)s/%(file)s"
    zonefile-sync: -1
    journal-content: none
"""


class Unmeasured(Exception):
    """A server or a load did not do what the case needs, and why."""


def program(name):
    """Debian has servers in /usr/sbin, which is not in everybody's PATH."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not found:
        raise Unmeasured(f"{name} is not installed")
    return found


def descendants(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += descendants(int(child))
    return found


class Server:
    def __init__(self, name, command, port, question, cpus, output):
        self.name, self.port, self.output = name, port, output
        with open(output, "ab") as log:
            self.process = subprocess.Popen(["taskset", "-c", cpus, *map(str, command)], stdout=log, stderr=log)
        if question:
            self.wait_for(question)

    def wait_for(self, question, seconds=60):
        query = wire.query(question + ".")

        def answers():
            if self.process.poll() is not None:
                raise Unmeasured(f"{self.name} ended: {self.output.read_text()[-2000:]}")
            reply = wire.ask_udp("127.0.0.1", self.port, query, 0.5)
            return reply and reply[3] & 15 == 0
        until(answers, f"{self.name} to answer", seconds)

    def pids(self):
        return descendants(self.process.pid)

    def cpu_microseconds(self):
        """What all its threads have used of CPU."""
        tasks = [task for pid in self.pids() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000

    def memory(self):
        """Resident and proportional set size of all its processes, in MB (10^6 octets)."""
        sums = {"Rss": 0, "Pss": 0}
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                field, _, rest = line.partition(":")
                if field in sums:
                    sums[field] += int(rest.split()[0]) * 1024
        return {"rss_mb": sums["Rss"] / 1e6, "pss_mb": sums["Pss"] / 1e6}

    def kill(self):
        """At once: an end in order waits for lameduck, or writes zones."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            for pid in reversed(self.pids()):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Bench:
    """`folder`: of the case that runs. Servers are on CPU 0; the load, and upstreams, on CPU 1."""

    def __init__(self, args):
        self.args = args
        self.rounds, self.seconds = args.rounds, args.seconds
        self.started = []

    @contextlib.contextmanager
    def case(self):
        with tempfile.TemporaryDirectory(prefix="keryx-bench-") as name:
            self.folder = pathlib.Path(name)
            try:
                yield
            finally:
                while self.started:
                    self.started.pop().kill()

    def start(self, name, command, port, question=None, cpus="0"):
        server = Server(name, command, port, question, cpus, self.folder / f"{name}-{port}.log")
        self.started.append(server)
        return server

    def stop(self, server):
        self.started.remove(server)
        server.kill()

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def echo(self, name="echo", *options, cpus="0"):
        port = free_port()
        return self.start(name, [self.args.tools / "echo", "--port", port, *options], port, "a.example", cpus)

    def upstream(self):
        return self.echo("upstream", cpus="1").port

    def keryx(self, corefile, question, name="keryx", workers=1, cpus="0"):
        """`corefile` with %(port)d and the like; what it does not say is a free port."""
        values = {key: free_port() for key in ("port", "health", "ready", "metrics")}
        path = self.write(f"{name}.Corefile", corefile % values)
        server = self.start(name, [self.args.binary, "-conf", path, "-workers", workers], values["port"],
                            question, cpus)
        server.metrics = values["metrics"]
        return server

    def kubeadm(self, question, upstream, name="keryx", source="manifests objects.json", log="", **options):
        corefile = KUBEADM.replace("%(source)s", source).replace("%(log)s", log)
        return self.keryx(corefile.replace("%(upstream)d", str(upstream)), question, name, **options)

    def nsd(self, zone, file, question, cpus="0"):
        port = free_port()
        path = self.write(f"nsd-{port}.conf", NSD % {"port": port, "folder": self.folder, "zone": zone, "file": file})
        return self.start("NSD", [program("nsd"), "-d", "-c", path], port, question, cpus)

    def knot(self, zone, file, question):
        port = free_port()
        (self.folder / f"knot-{port}").mkdir()
        path = self.write(f"knot-{port}.conf", KNOT % {"port": port, "folder": self.folder, "zone": zone, "file": file})
        return self.start("Knot", [program("knotd"), "-c", path], port, question)

    def load_command(self, server, questions, *options, cpu="1"):
        return ["taskset", "-c", cpu, str(self.args.tools / "load"), "--port", str(server.port),
                "--questions", str(self.folder / questions), "--seconds", str(self.seconds),
                "--pids", ",".join(map(str, server.pids())), *map(str, options)]

    def load(self, server, questions, *options):
        """What one round of load says of the server."""
        done = subprocess.run(self.load_command(server, questions, *options), capture_output=True, text=True,
                              check=False)
        return self.result(server, done.stdout, done.stderr)

    @staticmethod
    def result(server, out, errors):
        if not out:
            raise Unmeasured(f"the load of {server.name} failed: {errors}")
        if errors:
            print(f"{server.name}: {errors.strip()}", file=sys.stderr)
        return json.loads(out)
