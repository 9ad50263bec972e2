"""A pod with a memory limit of 24 MiB: the kubia cluster and what clients do must fit.

Uses a memory cgroup, of either version; where none can be made, all of it is skipped.
"""
import contextlib
import os
import pathlib
import socket

import wire
from api_certificates import Certificates
from api_world import MOVING, World
from harness import Skip, check, equal
from keryx import Keryx

LIMIT = 24 << 20
MANIFESTS = """
. {
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests %s
        pods verified
    }
}
"""
INTO_GROUP = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'


class Group:
    """A cgroup of its own; `prefix` runs a command in it."""

    def __init__(self, folder, octets, limit, peak, swap):
        self.folder, self.peak_file = folder, peak
        self.prefix = ("sh", "-c", INTO_GROUP, "sh", str(folder))
        (folder / limit).write_text(str(octets))
        with contextlib.suppress(OSError):  # a kernel without swap accounting
            (folder / swap[0]).write_text(swap[1])

    def peak(self):
        return int((self.folder / self.peak_file).read_text())


@contextlib.contextmanager
def limited(octets=LIMIT):
    name = f"keryx-test-{os.getpid()}"
    versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes",
                 ("memory.memsw.limit_in_bytes", str(octets))),
                ("/sys/fs/cgroup", "memory.max", "memory.peak", ("memory.swap.max", "0"))]
    for root, limit, peak, swap in versions:
        folder = pathlib.Path(root) / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if (folder / limit).exists() and (folder / peak).exists():
                yield Group(folder, octets, limit, peak, swap)
                return
        finally:
            folder.rmdir()
    raise Skip("no memory cgroup can be made here")


def work(address, port):
    """What clients do: many questions, and connections that stay open."""
    connections = [socket.create_connection((address, port)) for _ in range(200)]
    query = wire.query("kubia.default.svc.cluster.local.", "A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sock.settimeout(5)
        for _ in range(200):
            for _ in range(50):
                sock.send(query)
            for _ in range(50):
                sock.recv(4096)
    for connection in connections:
        connection.sendall(len(query).to_bytes(2, "big") + query)
    for connection in connections:
        check(connection.recv(2), "no reply over TCP")
        connection.close()


def run(t):
    if t.slack > 1:
        raise Skip("a sanitizer's memory is its own")
    with limited() as group:
        with t.case("the kubia cluster in 24 MiB, from manifests"):
            with Keryx(t, MANIFESTS % (t.root / "examples/kubia/cluster"), prefix=group.prefix) as k:
                work(k.address, k.port)
                equal(len(k.udp("kubia-headless.default.svc.cluster.local.").addresses()), 2)
                print(f"   memory: at most {group.peak() / 2**20:.1f} MiB, with what the kernel holds for it")
        with t.case("a cluster from an API server in 24 MiB, with relists"), Certificates() as certificates:
            with World(t, certificates, prefix=group.prefix) as w:
                for _ in range(5):
                    for watch in w.server.open_watches():
                        watch.too_old()
                    w.moves()
                work(w.k.address, w.k.port)
                w.answers(MOVING, {f"10.96.7.{w.number}"})
                print(f"   memory: at most {group.peak() / 2**20:.1f} MiB, with what the kernel holds for it")
