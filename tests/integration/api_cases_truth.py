"""Servers that disagree about the present: one that lags, one that was restored, one that lost events;
and the versions of EndpointSlice that come and go with an upgrade."""
import threading
import time

import api_faults
import cluster
from api_server import Server
from api_world import MOVING, PODS, World
from harness import check, equal, until
from model_dns import A


def lagging(t, certificates):
    with World(t, certificates) as w, Server(w.store, certificates) as second:
        second.freeze()
        for _ in range(20):
            w.moves()
        older = _Older(w)
        with t.case("two servers, one of which lags: the view never goes backwards"):
            w.server.choose = lambda: second
            w.server.cut_all()
            until(lambda: second.seen("services"), "a request to the one that lags", 20 * t.slack)
            w.store.compact()
            second.cut_all()
            until(lambda: second.seen("services", "list"), "a list asked of it", 40 * t.slack)
            lists = second.seen("services", "list")
            check(all(r[3].get("resourceVersion") != "0" for r in lists), f"a list of any age: {lists}")
        with t.case("the one that lags catches up: changes come through it"):
            second.thaw()
            w.moves(60)
            older.end()
            w.unbroken()
        with t.case("HTTP 504 Too large resource version, time and again: names stay, and it recovers"):
            for resource in ("services", "endpointslices", "namespaces"):
                w.server.faults.add(api_faults.too_large_version, resource, "list", 3)
                second.faults.add(api_faults.too_large_version, resource, "list", 3)
            w.store.compact()
            second.cut_all()
            w.moves(90)
            check(not w.said("[WARNING]", "went back"), f"versions did not go back: {w.k.output()}")
            w.unbroken()


class _Older(threading.Thread):
    """Asks for `moving` all the while: its addresses must come in the order they were given."""

    def __init__(self, w):
        super().__init__(daemon=True)
        self.w, self.last, self.back, self.stop = w, 0, [], threading.Event()
        self.asker = type(w.asker)(w.k.address, w.k.port)
        self.start()

    def run(self):
        while not self.stop.wait(0.002):
            for address in self.asker.ask(MOVING, A)[1]:
                number = int(address.rsplit(".", 1)[1])
                if number < self.last:
                    self.back.append((self.last, number))
                self.last = number

    def end(self):
        self.stop.set()
        self.join(10)
        check(not self.back, f"it went back: {self.back[:3]}")
        check(self.last > 0, "it did not ask")


def restored(t, certificates):
    with World(t, certificates) as w:
        with t.case("etcd restored from a backup: taken over, with a warning"):
            w.put(20)
            w.store.put("services", cluster.service("before", "10.96.8.1"))
            w.seen()
            version, objects = w.store.version, w.store.copy()
            for i in range(30):
                w.put(30 + i)
            w.store.put("services", cluster.service("after", "10.96.8.2"))
            w.store.delete("services", "prod", "before")
            w.answers("after.prod.svc.cluster.local", {"10.96.8.2"})
            w.answers("before.prod.svc.cluster.local", None)
            w.store.restore(version, objects)
            w.number = 20
            w.seen(60)
            w.answers("after.prod.svc.cluster.local", None, 60)
            w.answers("before.prod.svc.cluster.local", {"10.96.8.1"}, 60)
            w.says("[WARNING]", "went back")
            w.unbroken()
        with t.case("etcd restored: changes at versions that were there before come through"):
            w.moves(20)
            w.moves(20)
    with World(t, certificates) as w, t.case("etcd wiped and filled anew, versions from the beginning"):
        w.moves()
        with w.store.together():
            w.store.restore(1, {resource: {} for resource in w.store.objects})
            w.server.down()
            for name in ("prod", "stable"):
                w.store.put("namespaces", {"metadata": {"name": name}})
            w.store.put("services", cluster.service("web", "10.97.0.1", namespace="stable"))
            w.store.put("services", cluster.service("db", namespace="stable"))
            w.store.put("endpointslices", cluster.endpoint_slice(
                "db-1", "db", ["10.245.0.1", "10.245.0.2"], namespace="stable"))
        w.server.up()
        w.answers(MOVING, None, 60)
        w.unbroken()


def lost(t, certificates):
    """The store changes and no watch is told; resync 1s, bookmarks each 0.2 s."""
    for name, settings in (("metadata lists", {}), ("no streaming lists", {"streaming": False}),
                           ("a server that gives whole objects only", {"metadata_lists": False})):
        with World(t, certificates, "resync 1s", bookmark_every=0.2, **settings) as w:
            def heals(change, see, world=w):
                before = len(world.said("[WARNING]", "lost"))
                change()
                see()
                until(lambda: len(world.said("[WARNING]", "lost")) > before, "a message about it", 5 * t.slack)
            with t.case(f"{name}: a lost change is healed within one resync, and logged"):
                heals(lambda w=w: w.put(77, told=False), lambda w=w: w.seen(4))
            with t.case(f"{name}: a lost addition"):
                heals(lambda w=w: w.store.put("services", cluster.service("new", "10.96.8.1"), told=False),
                      lambda w=w: w.answers("new.prod.svc.cluster.local", {"10.96.8.1"}, 4))
            with t.case(f"{name}: a lost deletion"):
                heals(lambda w=w: w.store.delete("services", "prod", "new", told=False),
                      lambda w=w: w.answers("new.prod.svc.cluster.local", None, 4))
            with t.case(f"{name}: nothing lost, nothing said"):
                before, lists = len(w.said("[WARNING]")), len(w.server.seen("services", "list"))
                until(lambda w=w, n=lists: len(w.server.seen("services", "list")) >= n + 3,
                      "three resyncs", 20 * t.slack)
                w.moves()
                equal(len(w.said("[WARNING]")), before, "warnings")
                if not settings:
                    check(any("PartialObjectMetadataList" in r[5].get("accept", "")
                              for r in w.server.seen("services", "list")), "no list of metadata alone")
            w.unbroken()


def pages(t, certificates):
    """A consistent list of 1,300 Services comes in pages, whose tokens expire."""
    def many(w):
        for i in range(1300):
            w.store.put("services", cluster.service(f"many-{i}", f"10.98.{i // 200}.{i % 200 + 1}"))
    with World(t, certificates, "resync 1s", before=many, bookmark_every=0.2) as w:
        with t.case("a consistent list comes in pages"):
            until(lambda: [r for r in w.server.seen("services", "list") if r[3].get("continue")],
                  "a second page", 20 * t.slack)
            lists = w.server.seen("services", "list")
            check(all(int(r[3].get("limit", 0)) <= 1000 for r in lists), "huge pages")
            w.put(66, told=False)
            w.seen(6)
        with t.case("continue tokens that expire between pages: no name is missing, the next resync heals"):
            stop = threading.Event()

            def expire():
                while not stop.wait(0.001):
                    with w.store.lock:
                        w.store.snapshots.clear()
            thread = threading.Thread(target=expire, daemon=True)
            thread.start()
            until(lambda: len([r for r in w.server.seen("services", "list") if r[4] == 410]) >= 2,
                  "two expired tokens", 40 * t.slack)
            stop.set()
            thread.join()
            for i in range(0, 1300, 100):
                w.answers(f"many-{i}.prod.svc.cluster.local", {f"10.98.{i // 200}.{i % 200 + 1}"}, 1)
            w.put(67, told=False)
            w.seen(10)
            w.unbroken()
        ten_relists(t, w)


def ten_relists(t, w):
    with t.case("ten relists: memory grows by no more than a tenth"):
        until(lambda: len(w.server.open_watches()) == 3, "three watches", 40 * t.slack)
        w.moves()
        first = w.resident()
        for _ in range(10):
            w.store.compact()
            for watch in w.server.open_watches():
                watch.too_old()
                watch.end()
            w.moves(40)
        grown = w.resident() / first
        check(grown < 1.1 or t.slack > 1, f"{first / 1e6:.1f} MB became {w.resident() / 1e6:.1f} MB")
        w.unbroken()


def first_lists(t, certificates):
    with t.case("an empty list, then a full one: healed by a resync"):
        def empty(w):
            for resource in ("services", "endpointslices", "namespaces"):
                w.server.faults.add(api_faults.empty_list, resource, "list")
        with World(t, certificates, "resync 1s", synced=False, before=empty, streaming=False,
                   bookmark_every=0.2) as w:
            w.answers(MOVING, {"10.96.7.1"}, 10)
            w.answers(PODS, {"10.244.7.1"}, 10)
            w.moves()
    with t.case("a first list that is cut again and again: SERVFAIL until it is whole"):
        def cuts(w):
            for octets in (50, 1000, 3000):
                w.server.faults.add(api_faults.cut(octets), "services", "list")
        with World(t, certificates, "startup_timeout 100ms\n        resync 1h", synced=False, before=cuts,
                   streaming=False) as w:
            seen = set()
            until(lambda: seen.add(w.asker.ask(MOVING, A)[0]) or 0 in seen, "an answer", 40 * t.slack)
            check(3 not in seen, "NXDOMAIN before the list was whole")
            w.moves()


def slice_versions(t, certificates):
    for versions in (("v1beta1",), ("v1", "v1beta1"), ()):
        with t.case(f"EndpointSlices of {versions or 'no version: core Endpoints'}"), \
                World(t, certificates, slices=versions) as w:
            w.moves()
            path = "endpointslices" if versions else "endpoints"
            equal({watch.shape for watch in w.server.open_watches(path)}, {versions[0] if versions else "v1"},
                  "what is watched")
    with World(t, certificates, slices=("v1beta1",)) as w:
        for versions, what in ((("v1",), "v1"), (("v1beta1",), "v1beta1 again"), ((), "none: core Endpoints"),
                               (("v1",), "v1 again, as Endpoints are gone")):
            with t.case(f"the API server changes to EndpointSlice {what}: no name is missing"):
                w.server.absent = {"endpoints"} if "gone" in what else set()
                w.server.serve_slices(*versions)
                if not versions or "gone" in what:
                    for watch in w.server.open_watches("endpoints"):
                        watch.end("fin")
                w.moves(60)
                equal(w.asker.ask("db.stable.svc.cluster.local", A)[1], {"10.245.0.1", "10.245.0.2"})
                w.unbroken()
    with t.case("the right to ask which versions there are is missing: it finds out all the same"), \
            World(t, certificates, before=lambda w: w.server.faults.add(
                api_faults.status(403, "Forbidden", "no discovery for you"), "discovery", times=None)) as w:
        w.moves()


def as_1_20(t, certificates):
    """No streaming lists, v1beta1, and caches that know no version but that of their own last change."""
    with World(t, certificates, "resync 1h", old=True, streaming=False, slices=("v1beta1",)) as w:
        with t.case("as Kubernetes 1.20: changes, watches that are too old, connections that break"):
            for fault in (lambda watch: watch.end(), lambda watch: watch.too_old(),
                          lambda watch: watch.end("rst")):
                for _ in range(3):
                    w.store.bump()
                until(lambda: len(w.server.open_watches()) == 3, "three watches", 40 * t.slack)
                w.store.compact()
                for watch in w.server.open_watches():
                    fault(watch)
                w.moves(40)
            check(not w.said("went back"), f"versions did not go back: {w.k.output()}")
            w.unbroken()


def what_is_asked(t, certificates):
    with t.case("how lists and watches are asked for"), World(t, certificates, streaming=False) as w:
        w.moves()
        for resource in ("services", "endpointslices", "namespaces"):
            first, = w.server.seen(resource, "list")
            equal((first[3].get("resourceVersion"), first[3].get("limit")), ("0", None),
                  f"{resource}: the first list")
            check("gzip" in first[5].get("accept-encoding", ""), "gzip is not accepted")
            watch = w.server.seen(resource, "watch")[-1][3]
            equal(watch.get("allowWatchBookmarks"), "true", "allowWatchBookmarks")
            check(300 <= int(watch.get("timeoutSeconds", 0)) <= 600, f"timeoutSeconds: {watch}")
    with t.case("labels, namespace_labels and pods verified are asked of the server"):
        options = "labels app=web\n namespace_labels team in (a, b)\n pods verified\n resync 1h"
        with World(t, certificates, options, synced=False) as w:
            pod = {"metadata": {"name": "p", "namespace": "prod", "labels": {"app": "web"}}, "spec": {},
                   "status": {"phase": "Running", "podIP": "10.244.9.9"}}
            w.store.put("pods", pod)
            w.store.put("namespaces", {"metadata": {"name": "prod", "labels": {"team": "a"}}})
            service = cluster.service("web", "10.96.8.1")
            service["metadata"]["labels"] = {"app": "web"}
            w.store.put("services", service)
            name = "10-244-9-9.prod.pod.cluster.local"
            w.answers("web.prod.svc.cluster.local", {"10.96.8.1"})
            w.answers(name, {"10.244.9.9"})
            equal(w.asker.ask(MOVING, A)[0], 3, "rcode of a Service without the label")
            equal(w.asker.ask("web.stable.svc.cluster.local", A)[0], 3, "rcode without namespace label")
            w.store.put("pods", {**pod, "status": {"phase": "Succeeded", "podIP": "10.244.9.9"}})
            w.answers(name, None)
            service["metadata"]["labels"] = {"app": "other"}
            w.store.put("services", service)
            w.answers("web.prod.svc.cluster.local", None)
            fields = {r[3].get("fieldSelector") for r in w.server.seen("pods")}
            wanted = ",".join(f"status.phase!={phase}" for phase in ("Succeeded", "Failed", "Unknown"))
            equal(fields, {wanted}, "fieldSelector")
    with t.case("apiserver_qps 2, apiserver_burst 1: requests are paced"), \
            World(t, certificates, "apiserver_qps 2\n apiserver_burst 1\n resync 1h", streaming=False) as w:
        at = sorted(r[0] for r in w.server.seen())
        check(len(at) >= 4, f"{len(at)} requests")
        gaps = [b - a for a, b in zip(at, at[1:])]
        check(min(gaps[1:]) > 0.3, f"requests after {[f'{gap:.2f}' for gap in gaps]} s")


def stalled(t, certificates):
    """Takes as long as a dead peer may go unnoticed; to be run beside the other cases."""
    with World(t, certificates, "resync 2s", bookmark_every=5.0) as w:
        w.moves()
        with t.case("watches that fall silent are noticed within 90 s, names stay meanwhile"):
            for watch in w.server.open_watches():
                watch.stalled = True
            started = time.monotonic()
            w.put(99)
            w.seen(95)
            took = time.monotonic() - started
            check(took < 90 * t.slack, f"{took:.0f} s")
            w.unbroken()


GROUPS = [lagging, restored, lost, pages, first_lists, slice_versions, as_1_20, what_is_asked]
