"""Files that go wrong under a server that runs: the Corefile, and the disk that the snapshot is written to."""
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import cluster
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import COREFILE, STABLE, Prober, fill
from faults_world import OBJECTS, cluster_names, metric, said
from harness import Skip, check, equal, until
from keryx import Keryx
from model_dns import Asker

NOBODY = 65534
PERIOD = 2          # of `reload`, seconds
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all")
SMALL = 256 * 1024  # the disk of the snapshot
ROOM = 4096         # and what is left of it


def corefile(address, more=""):
    return f"""
. {{
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:0
    reload {PERIOD}s 0s
    hosts {{
        {address} hosted.example.
        fallthrough
    }}
    kubernetes cluster.local {{
        manifests objects.json
    }}
    {more}
}}
"""


# The Corefile

def emptied(path):
    path.write_text("")


def folder_instead(path):
    path.unlink()
    path.mkdir()


def unreadable(path):
    path.chmod(0)


def cut_short(path):
    path.write_text(path.read_text()[:-20])


def one_corefile(t, name, spoil):
    """As a user that is not root, for whom there are files that it can't read."""
    with t.case(f"the Corefile is {name}: it goes on, with one line and one failure; restored and changed, it is taken"):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            raise Skip("needs root and setpriv, to run the server as somebody else")
        k = Keryx(t, corefile("192.0.2.1"), OBJECTS, prefix=AS_NOBODY)
        for path in (k.folder, *k.folder.iterdir()):
            shutil.chown(path, NOBODY, NOBODY)
        with k:
            path = k.folder / "Corefile"
            until(lambda: k.http, "HTTP", 10 * t.slack)
            with cluster_names(t, k, rate=50):
                spoil(path)
                until(lambda: said(k, "reload failed"), f"a complaint; {k.output()}", 10 * t.slack)
                time.sleep(2.5 * PERIOD)  # two periods and more: that nothing happens is to be seen
                equal(len(said(k, "reload failed")), 1, f"complaints in {k.lines}")
                equal(metric(k, "coredns_reload_failed_total"), 1, "coredns_reload_failed_total")
                equal(k.udp("hosted.example.").addresses(), ["192.0.2.1"])
                with contextlib.suppress(OSError):
                    path.rmdir()
                restored = k.folder / "Corefile.new"
                restored.write_text(corefile("192.0.2.2"))
                restored.rename(path)
                until(lambda: k.udp("hosted.example.").addresses() == ["192.0.2.2"], f"the new one; {k.output()}",
                      10 * t.slack)
            equal(metric(k, "coredns_reload_failed_total"), 1, "coredns_reload_failed_total afterwards")


CASES = [("deleted", pathlib.Path.unlink), ("a folder", folder_instead), ("unreadable", unreadable),
         ("emptied", emptied), ("cut short", cut_short)]


# The disk

@contextlib.contextmanager
def small_disk():
    folder = tempfile.mkdtemp(prefix="keryx-disk-")
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", folder], capture_output=True,
                              text=True, check=False)
        if made.returncode:
            raise Skip(f"no tmpfs can be mounted here: {made.stderr.strip()}")
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=False)
    finally:
        os.rmdir(folder)


def fill_disk(folder):
    """All but one page."""
    free = os.statvfs(folder)
    (folder / "filler").write_bytes(b"x" * (free.f_bavail * free.f_frsize - ROOM))


class Cluster:
    """Our API server, some 100 Services, and keryx with a snapshot on that disk."""

    def __init__(self, t, certificates, folder, lines=()):
        self.t, self.file, self.store = t, folder / "snapshot", Store(endpoints=True)
        fill(self.store)
        for i in range(100):
            self.store.put("services", cluster.service(f"many-{i}", f"10.98.1.{i}"))
        self.server, self.lines = Server(self.store, certificates), lines

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    @contextlib.contextmanager
    def keryx(self, **more):
        lines = ["kubeconfig kubeconfig", f"snapshot {self.file}", *self.lines]
        with Keryx(self.t, COREFILE % "\n        ".join(lines), {"kubeconfig": kubeconfig(self.server)}, **more) as k:
            asker = Asker(k.address, k.port)
            question, want = STABLE[0]
            until(lambda: asker.ask(*question) == want, f"the first names; {k.output()}", 15 * self.t.slack)
            yield k

    def sees(self, k, name, ip):
        self.store.put("services", cluster.service(name, ip))
        asker = Asker(k.address, k.port)
        until(lambda: asker.ask(f"{name}.prod.svc.cluster.local", 1) == (0, {ip}), name, 10 * self.t.slack)


def full_disk(t, certificates):
    with t.case("the snapshot's disk is full: one line, the old snapshot stays whole, names go on"), \
            small_disk() as folder, Cluster(t, certificates, folder) as c:
        with c.keryx():
            pass                        # which leaves a snapshot at its end
        whole = c.file.read_bytes()
        fill_disk(folder)
        with c.keryx() as k:
            prober = Prober(k)
            prober.start()
            until(lambda: said(k, "cannot write snapshot"), f"a complaint; {k.output()}", 15 * t.slack)
            c.sees(k, "later", "10.96.9.1")
            prober.end()
        equal(len(said(k, "cannot write snapshot")), 1, f"lines in {k.lines}")  # though it has tried again at its end
        check("No space left" in said(k, "cannot write snapshot")[0], str(k.lines))
        check(c.file.read_bytes() == whole, "the old snapshot has changed")
        equal(sorted(x.name for x in folder.iterdir()), ["filler", "snapshot"], "files")
        c.server.down()
        with c.keryx() as k:            # from the snapshot; and its end must not touch it
            check(said(k, "is served until the Kubernetes API answers"), k.output())


def room_again(t, certificates):
    with t.case("the disk has room again: the snapshot is written within a minute"), \
            small_disk() as folder, Cluster(t, certificates, folder) as c:
        fill_disk(folder)
        with c.keryx() as k:
            until(lambda: said(k, "cannot write snapshot"), f"a complaint; {k.output()}", 15 * t.slack)
            c.sees(k, "later", "10.96.9.2")
            (folder / "filler").unlink()
            until(lambda: said(k, "is written again"), f"the snapshot to be written; {k.output()}", 50 * t.slack, 0.1)
        check(b"10.96.9.2" in c.file.read_bytes(), "what is new is not in the snapshot")


def run(t):
    with Certificates() as certificates, concurrent.futures.ThreadPoolExecutor(len(CASES) + 2) as beside:
        disks = [beside.submit(disk, t, certificates) for disk in (full_disk, *([] if t.quick else [room_again]))]
        for case in [beside.submit(one_corefile, t, *case) for case in CASES]:
            case.result()
        for disk in disks:
            disk.result()
