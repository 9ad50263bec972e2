"""Objects from files: what is read, and how fast a change is answered."""
import os
import pathlib
import statistics
import tempfile
import time

import cluster
import wire
from harness import check, equal, until
from keryx import Keryx

NAME = "moving.prod.svc.cluster.local."
COREFILE = """
. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa {
        manifests %s
        pods insecure
    }
}
"""


def moving(ip, name="moving"):
    return cluster.listing(cluster.service(name, ip))


def answers(k, qname=NAME):
    return k.udp(qname).addresses()


def swap(path, text):
    """Replaces a file as editors and tools do: write beside it, then rename."""
    beside = path.with_name("." + path.name + ".new")
    beside.write_text(text)
    beside.rename(path)


def config_map(folder, number, text):
    """The kubelet's swap of a mounted ConfigMap: a new folder, and a symlink renamed over the old."""
    version = folder / f"..2026_{number}"
    version.mkdir()
    (version / "objects.json").write_text(text)
    (folder / "..data_tmp").symlink_to(version.name)
    (folder / "..data_tmp").rename(folder / "..data")
    link = folder / "objects.json"
    if not link.is_symlink():
        link.symlink_to("..data/objects.json")


def latency(k, change):
    """Median seconds from a change of the files to the changed answer."""
    taken = []
    for i in range(1, 8):
        change(i)
        started = time.monotonic()
        until(lambda: answers(k) == [f"10.96.7.{i}"], f"10.96.7.{i}", 5, pause=0.001)
        taken.append(time.monotonic() - started)
    return statistics.median(taken)


def changes(t):
    limit = 0.1 * t.slack
    with Keryx(t, COREFILE % "objects", {"objects/a.json": moving("10.96.7.0")}) as k:
        path = k.folder / "objects/a.json"
        for name, change in [
                ("rewritten in place", lambda i: path.write_text(moving(f"10.96.7.{i}"))),
                ("renamed over", lambda i: swap(path, moving(f"10.96.7.{i}"))),
                ("a file that comes after it",
                 lambda i: swap(k.folder / "objects/b.json", moving(f"10.96.7.{i}")))]:
            with t.case(f"a file {name}: the change is answered within 100 ms"):
                seconds = latency(k, change)
                check(seconds < limit, f"{seconds * 1000:.0f} ms")
        with t.case("a file is removed: the one before it counts again"):
            path.write_text(moving("10.96.7.77"))
            (k.folder / "objects/b.json").unlink()
            until(lambda: answers(k) == ["10.96.7.77"], "the older answer", 5)
        with t.case("a file that does not parse keeps its last good state"):
            swap(path, "{ not json")
            until(lambda: any("a.json" in x for x in k.lines), "a message that names it", 5)
            equal(answers(k), ["10.96.7.77"])
            swap(path, moving("10.96.7.78"))
            until(lambda: answers(k) == ["10.96.7.78"], "the repaired file", 5)
        with t.case("the last file is removed: its names are gone"):
            path.unlink()
            until(lambda: k.udp(NAME).rcode == wire.NXDOMAIN, "NXDOMAIN", 5)
    with Keryx(t, COREFILE % "objects/one.json", {"objects/one.json": moving("10.96.7.0")}) as k, \
            t.case("a single file, renamed over: within 100 ms"):
        seconds = latency(k, lambda i: swap(k.folder / "objects/one.json", moving(f"10.96.7.{i}")))
        check(seconds < limit, f"{seconds * 1000:.0f} ms")
    config_map_swap(t, limit)


def config_map_swap(t, limit):
    """A folder as a mounted ConfigMap has it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config_map(folder, 0, moving("10.96.7.0"))
        with Keryx(t, COREFILE % folder) as k, t.case("a mounted ConfigMap swaps: within 100 ms"):
            equal(answers(k), ["10.96.7.0"], "before")
            seconds = latency(k, lambda i: config_map(folder, i, moving(f"10.96.7.{i}")))
            check(seconds < limit, f"{seconds * 1000:.0f} ms")


def whole_changes(t):
    """One re-read is one publish: two Services that change together never differ."""
    def pair(i):
        return cluster.listing(cluster.service("moving", f"10.96.7.{i}"),
                               cluster.external("alias", "moving.prod.svc.cluster.local"),
                               cluster.service("twin", f"10.96.8.{i}"))
    with Keryx(t, COREFILE % "a.json", {"a.json": pair(0)}) as k, \
            t.case("answers go on while files change, and belong together"):
        for i in range(1, 40):
            swap(k.folder / "a.json", pair(i))
            older = answers(k)[0].rsplit(".", 1)[1]
            newer = answers(k, "twin.prod.svc.cluster.local.")[0].rsplit(".", 1)[1]
            check(int(older) <= int(newer), f"{older} before {newer}")
            equal(len(answers(k, "alias.prod.svc.cluster.local.")), 1, "addresses of the alias")


YAML = """
apiVersion: v1
kind: Service
metadata: {name: first, namespace: prod}
spec: {clusterIP: 10.96.9.1, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: passed-over, namespace: prod}
---
apiVersion: v1
kind: ServiceList
items:
- metadata: {name: second, namespace: prod}
  spec: {clusterIP: 10.96.9.2, ports: [{port: 80}]}
- metadata: {name: wrong, namespace: prod}
  spec: {clusterIP: 10.96.9.999, ports: [{port: 80}]}
"""


def reading(t):
    files = {"objects/a.yaml": YAML, "objects/b.yml": moving("10.96.7.1"),
             "objects/c.json": moving("10.96.7.2"), "objects/.hidden.yaml": moving("10.96.7.3"),
             "objects/notes.txt": "not an object", "objects/deeper/d.yaml": moving("10.96.7.4")}
    with Keryx(t, COREFILE % "objects", files) as k:
        with t.case("several documents, lists, YAML and JSON"):
            equal(answers(k, "first.prod.svc.cluster.local."), ["10.96.9.1"])
            equal(answers(k, "second.prod.svc.cluster.local."), ["10.96.9.2"])
        with t.case("the same object twice: the last in the order of names, and a message"):
            equal(answers(k), ["10.96.7.2"])
            check(any("moving" in x for x in k.lines), f"no message: {k.lines}")
        with t.case("a wrong object is skipped with a message"):
            equal(k.udp("wrong.prod.svc.cluster.local.").rcode_text, "NXDOMAIN", "rcode")
            said = [x for x in k.lines if "10.96.9.999" in x]
            check(len(said) == 1 and "a.yaml" in said[0] and "clusterIP" in said[0],
                  f"messages: {k.lines}")
        with t.case("without Namespace objects a namespace exists by what lives in it"):
            equal(k.udp("prod.svc.cluster.local.").rcode_text, "NOERROR", "rcode")
            equal(k.udp("empty.svc.cluster.local.").rcode_text, "NXDOMAIN", "rcode")
    namespace = '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "empty"}}'
    with Keryx(t, COREFILE % "a.json b.json", {"a.json": moving("10.96.7.1"), "b.json": namespace}) as k, \
            t.case("with a Namespace object exactly those exist"):
        equal(k.udp("empty.svc.cluster.local.").rcode_text, "NOERROR", "rcode")
        equal(k.udp("prod.svc.cluster.local.").rcode_text, "NXDOMAIN", "rcode")
        equal(k.udp(NAME).rcode_text, "NXDOMAIN", "rcode")


def kubia(t):
    """The example that the quickstart serves reads without a word of complaint."""
    folder = t.root / "examples/kubia/cluster"
    with Keryx(t, COREFILE % os.fspath(folder)) as k, t.case("examples/kubia reads cleanly"):
        equal(sorted(answers(k, "kubia-headless.default.svc.cluster.local.")), ["10.0.0.8", "10.0.2.5"])
        check(not [x for x in k.lines if "yaml" in x and "skip" in x.lower()], str(k.lines))


def run(t):
    reading(t)
    kubia(t)
    changes(t)
    whole_changes(t)
