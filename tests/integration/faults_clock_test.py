"""The wall clock jumps, a day forward and an hour back, for the server alone: clock_shift.c is preloaded.

The machine's clock is left alone.
"""
import concurrent.futures
import contextlib
import datetime
import json
import mmap
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import cluster
import model_dns
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import MOVING, STABLE, Prober, fill
from faults_world import ADDRESS, said, zone
from harness import Skip, check, equal, until
from keryx import Keryx
from nsd import Nsd

DAY, HOUR = 86400, 3600
TTL = 300
COREFILE = """
. {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig kubeconfig
        snapshot {snapshot}
    }}
    cache
    forward . 127.0.0.1:{port}
}}
"""


class Clock:
    """`shift(seconds)` from the true time."""

    def __init__(self, folder):
        self.path, self.library = folder / "shift", folder / "clock_shift.so"
        self.path.write_bytes(bytes(8))
        source = pathlib.Path(__file__).with_name("clock_shift.c")
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise Skip("no C compiler is installed")
        made = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, source], capture_output=True,
                              text=True, check=False)
        check(made.returncode == 0, made.stderr)
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.by = 0

    def shift(self, seconds):
        self.by = seconds
        self._map[:8] = struct.pack("=q", seconds)

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "CLOCK_SHIFT": str(self.path)}

    def is_shown(self, stamp):
        """Whether the text is this clock's time; a snapshot has that when the API server was last heard of."""
        shown = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
        return abs(shown - time.time() - self.by) < 120


class Shifted:
    """A cluster, keryx with a clock of its own, an upstream, a snapshot."""

    def __init__(self, t, certificates, nsd, folder):
        self.t, self.nsd, self.clock, self.store = t, nsd, Clock(folder), Store(endpoints=True)
        self.snapshot = folder / "snapshot"
        fill(self.store)
        self.server, self.number = Server(self.store, certificates), 1

    @contextlib.contextmanager
    def keryx(self):
        text = COREFILE.format(snapshot=self.snapshot, port=self.nsd.port)
        with Keryx(self.t, text, {"kubeconfig": kubeconfig(self.server)}, env=self.clock.environment()) as self.k:
            self.asker = model_dns.Asker(self.k.address, self.k.port)
            until(lambda: self.asker.ask(*STABLE[0][0]) == STABLE[0][1], f"the first names; {self.k.output()}",
                  15 * self.t.slack)
            yield self.k

    def change(self):
        self.number += 1
        self.store.put("services", cluster.service("moving", f"10.96.7.{self.number}"))

    def seen(self, seconds=10):
        want = (0, {f"10.96.7.{self.number}"})
        until(lambda: self.asker.ask(MOVING, model_dns.A) == want, f"a change; {self.k.output()}", seconds * self.t.slack)

    def cached(self):
        """TTL of the name that is in the cache; that of the upstream only if it was asked again."""
        reply = self.k.udp("kept.example.org.")
        equal(reply.addresses(), [ADDRESS])
        return reply.answer[0].ttl

    def serial(self):
        return struct.unpack_from("!I", self.k.udp("cluster.local.", "SOA").answer[0].rdata[-20:])[0]

    def stamp(self):
        """When the snapshot says that it was written."""
        with contextlib.suppress(OSError):
            for line in self.snapshot.read_bytes().split(b"\n", 4)[:4]:
                if line.startswith(b"written="):
                    return line.partition(b"=")[2].decode()
        return None

    def jump(self, seconds):
        """Names, cached answers and changes do not mind."""
        ttl = until(lambda: (ttl := self.cached()) < TTL and ttl, "a TTL that has begun to count", 5)
        serial, now = self.serial(), time.monotonic()
        self.clock.shift(seconds)
        self.change()
        self.seen()
        then = self.cached()
        passed = time.monotonic() - now
        check(ttl - passed - 2 <= then <= ttl, f"a TTL of {ttl}, {passed:.0f} s later {then}")
        equal(self.k.udp(f"fresh{seconds}.example.org.").addresses(), [ADDRESS], "what is not cached")
        check(self.serial() >= serial, f"the serial went back from {serial} to {self.serial()}")


def jumps(t, s):
    with s.keryx() as k:
        prober = Prober(k)
        prober.start()
        with t.case("a day forward: names, cached TTLs and changes go on; so they do over new connections"):
            s.jump(DAY)
            for watch in s.server.open_watches():
                watch.end()
            s.change()
            s.seen()
        with t.case("and back, an hour before the true time: names, TTLs and changes go on, the serial stays"):
            s.jump(-HOUR)
        with t.case("new connections then meet a certificate that is not yet valid: said so, names stay"):
            for watch in s.server.open_watches():
                watch.end()
            until(lambda: said(k, "is not valid before", "check the clocks"), f"a line; {k.output()}", 20 * t.slack)
            s.change()
            equal(s.asker.ask(*STABLE[0][0]), STABLE[0][1])
        with t.case("the clock is right again: what changed meanwhile is seen"):
            s.clock.shift(0)
            s.seen(40)
        with t.case("no name was ever missing"):
            prober.end()
        s.clock.shift(DAY)
    with t.case("the snapshot of the end has the clock's time, and is used by the same clock while the API is away"):
        check(s.stamp() and s.clock.is_shown(s.stamp()), f"written {s.stamp()}")
        s.server.down()
        with s.keryx():
            check(said(s.k, "is served until the Kubernetes API answers"), s.k.output())


def stamps(t, folder):
    with t.case("lines of the log have the clock's time, whatever it was before"):
        clock = Clock(folder)
        with Keryx(t, ". {\n    bind 127.0.0.1\n    whoami\n}\n", env=clock.environment(),
                   args=("-dns.port", "0", "-log-format", "json"), wait=False) as k:
            for shift in (DAY, -HOUR, 0):
                clock.shift(shift)
                before = len(k.lines)
                k.process.send_signal(signal.SIGUSR1)
                line = until(lambda after=before: said(k, "Reloading complete", after=after),
                             f"the reload; {k.output()}", 10 * t.slack)[0]
                check(clock.is_shown(json.loads(line)["time"]), f"{line} with a clock that is {shift} s wrong")


def snapshot_of_the_future(t, certificates, nsd):
    with t.case("a snapshot was written while the clock was a day ahead: once it is right, written anew within a minute"), \
            tempfile.TemporaryDirectory(prefix="keryx-clock-") as folder:
        s = Shifted(t, certificates, nsd, pathlib.Path(folder))
        with s.server:
            with s.keryx():
                pass    # with the true time: the certificate is of today
            s.snapshot.unlink()
            s.clock.shift(DAY)
            with s.keryx():
                until(s.stamp, "a first snapshot", 20 * t.slack, 0.1)
                check(s.clock.is_shown(s.stamp()), f"written {s.stamp()}")
                s.clock.shift(0)
                until(lambda: s.clock.is_shown(s.stamp()), "a new one", 60 * t.slack, 0.1)


def run(t):
    if t.slack > 1:
        raise Skip("sanitizers want to be preloaded first")
    with Certificates() as certificates, tempfile.TemporaryDirectory(prefix="keryx-clock-") as folder, \
            Nsd({"example.org": zone("example.org.", TTL)}) as nsd, concurrent.futures.ThreadPoolExecutor(1) as beside:
        future = beside.submit(snapshot_of_the_future, t, certificates, nsd)
        stamps(t, pathlib.Path(folder))
        s = Shifted(t, certificates, nsd, pathlib.Path(folder))
        with s.server:
            jumps(t, s)
        future.result()
