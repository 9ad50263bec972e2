"""Each fault of an API server by itself: afterwards changes come through, and no name was missing."""
import gzip
import threading
import time

import api_faults
import cluster
from api_world import MOVING, PODS, World
from harness import check, until
from model_dns import A

MIB = 1 << 20
DEEP = b'{"type":"MODIFIED","object":{"kind":"Service","apiVersion":"v1","metadata":' + b"[" * 100_000
WATCH_FAULTS = {
    "cut mid-line, RST": lambda watch: watch.cut_mid_line("rst"),
    "cut mid-line, closed": lambda watch: watch.cut_mid_line("fin"),
    "cut mid-line, half-closed": lambda watch: watch.cut_mid_line("half"),
    "closed without an end": lambda watch: watch.end("fin"),
    "half-closed": lambda watch: watch.end("half"),
    "reset": lambda watch: watch.end("rst"),
    "ended by timeoutSeconds": lambda watch: watch.end(),
    "garbage bytes": lambda watch: watch.send(bytes(range(256)) * 8 + b"\n"),
    "garbage JSON": lambda watch: watch.send(b'{"type":"ADDED","object":{"metadata"::}}\n'),
    "an event without an object": lambda watch: watch.send(b'{"type":"ADDED"}\n'),
    "an event of an unknown type": lambda watch: watch.send(b'{"type":"UPSERTED","object":{}}\n'),
    "100,000 nested arrays": lambda watch: watch.send(DEEP + b"]" * 100_000 + b"}}\n"),
    "100,000 arrays that never close": lambda watch: watch.send(DEEP + b"\n"),
    "a bad chunk size": lambda watch: watch.write(b"xyz\r\n"),
    "a chunk size of 16 EiB": lambda watch: watch.write(b"ffffffffffffffff\r\nabc"),
    "410 as an event, the stream stays open": lambda watch: watch.too_old(),
    "410 as an event, then the end": lambda watch: (watch.too_old(), watch.end()),
    "500 as an event": lambda watch: watch.send(
        b'{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":500}}\n'),
}
REQUEST_FAULTS = {
    "HTTP 410": api_faults.gone(), "HTTP 500": api_faults.internal_error(),
    "HTTP 503": api_faults.status(503, "ServiceUnavailable", "shutting down"),
    "HTTP 504 Too large resource version": api_faults.too_large_version,
    "RST instead of an answer": api_faults.reset, "cut in the head": api_faults.cut(20),
    "cut in the body": api_faults.cut(400), "an HTML page": api_faults.body("<html>proxy</html>", "text/html"),
    "an empty object": api_faults.body("{}"), "no JSON": api_faults.body("nonsense"),
    "an empty body": api_faults.body(""), "headers of 1 MB": api_faults.huge_headers(MIB),
    "HTTP 200 with wrong kind": api_faults.body('{"kind":"PodList","apiVersion":"v1","items":[]}'),
    "slow pages": api_faults.slow(0.3),
}


def watch_faults(t, certificates):
    """All by the same keryx: what one leaves behind would show with the next."""
    with World(t, certificates) as w:
        for name, fault in WATCH_FAULTS.items():
            with t.case(f"a watch: {name}"):
                until(lambda: len(w.server.open_watches()) == 3, "three watches", 40 * t.slack)
                for watch in w.server.open_watches():
                    fault(watch)
                w.moves(40)
                w.unbroken()


def request_faults(t, certificates):
    """The next watch and the list after it are both answered with the fault. Bookmarks tell the client
    that all is well again, so that the next fault meets it at ease."""
    with World(t, certificates, bookmark_every=0.2) as w:
        for name, fault in REQUEST_FAULTS.items():
            with t.case(f"an answer: {name}"):
                until(lambda: len(w.server.open_watches()) == 3, "three watches", 40 * t.slack)
                for resource in ("services", "endpointslices", "namespaces"):
                    w.server.faults.add(fault, resource, "watch")
                    w.server.faults.add(fault, resource, "list")
                before = w.server.faults.met[fault]
                w.store.compact()
                w.server.cut_all()
                w.moves(60)
                check(w.server.faults.met[fault] > before, "the fault was not met")
                w.server.faults.clear()
                w.unbroken()


def too_many_requests(t, certificates):
    with t.case("429: not asked again before Retry-After"), World(t, certificates) as w:
        w.server.faults.add(api_faults.too_many(2), "services")
        for watch in w.server.open_watches("services"):
            watch.end()
        w.put(9)
        w.seen(30)
        refused = [r[0] for r in w.server.seen("services") if r[4] == 429]
        check(len(refused) == 1, f"{len(refused)} requests were refused")
        again = min(r[0] for r in w.server.seen("services") if r[0] > refused[0])
        check(again - refused[0] >= 1.9, f"asked again after {again - refused[0]:.2f} s")
        w.unbroken()


def memory(t, certificates):
    """What a server sends without end is given up before it fills the memory."""
    with World(t, certificates) as w:
        before = w.resident()
        limit = 40 * MIB * (1 if t.slack == 1 else 20)

        def bounded(what):
            grown = w.resident() - before
            check(grown < limit, f"{what}: {grown / MIB:.0f} MiB more")
            w.moves(60)
            w.unbroken()
        with t.case("a watch: an object of 2 MB comes through"):
            w.store.put("services", {"metadata": {"name": "big", "namespace": "prod"}, "data": "x" * 2_000_000,
                                     "spec": {"type": "ClusterIP", "clusterIP": "10.96.8.8",
                                              "clusterIPs": ["10.96.8.8"]}})
            w.answers("big.prod.svc.cluster.local", {"10.96.8.8"}, 10)
            bounded("an object of 2 MB")
        with t.case("a watch: a line without end is given up"):
            watch, = w.server.open_watches("services")
            sent = _send_without_end(watch)
            check(watch.how == "fin" and sent < 300 * MIB, f"{sent / MIB:.0f} MiB were taken")
            bounded("a line without end")
        with t.case("a list: a string without end is given up"):
            sent = _endless_answer(
                w, b'{"kind":"ServiceList","apiVersion":"v1","items":[{"metadata":{"name":"', b"n")
            check(sent < 600 * MIB, f"{sent / MIB:.0f} MiB were taken")
            bounded("a string without end")
        with t.case("a list: gzip that unpacks to 200 MB of spaces"):
            packed = gzip.compress(b'{"kind":"ServiceList",' + b" " * (200 * MIB) + b'"items":[')
            w.server.faults.add(_gzipped(packed), "services", "list", None)
            peak = _relist(w, until_met=True)
            w.server.faults.clear()
            check(peak - before < limit, f"{(peak - before) / MIB:.0f} MiB more")
            bounded("gzip")


def _send_without_end(watch):
    part = b"x" * (1 << 16)
    watch.write(b"%x\r\n" % (1 << 40) + b'{"type":"ADDED","object":{"kind":"Service","metadata":{"name":"')
    for _ in range(300 * 16):
        watch.write(part)
        if watch.how:
            break
    return watch.sent


def _endless_answer(w, start, octets):
    """The next list of Services: how many octets the client took."""
    taken, done = [0], threading.Event()

    def act(exchange, _server):
        try:
            exchange.head(200, [("Content-Type", "application/json")])
            exchange.write(start)
            for _ in range(600 * 16):
                exchange.write(octets * (1 << 16))
                taken[0] += 1 << 16
        except OSError:
            pass  # given up, as it should be
        finally:
            done.set()
        raise api_faults.Cut
    w.server.faults.add(act, "services", "list")
    _relist(w)
    check(done.wait(60 * w.t.slack), "the list was not asked for")
    return taken[0]


def _gzipped(packed):
    def act(exchange, _server):
        exchange.head(200, [("Content-Type", "application/json"), ("Content-Encoding", "gzip"),
                            ("Content-Length", len(packed))])
        exchange.write(packed)
        return True
    return act


def _relist(w, until_met=False):
    """Makes keryx list the Services anew; the most memory seen meanwhile."""
    w.server.streaming = False
    peak, met = w.resident(), sum(w.server.faults.met.values())
    w.store.compact()
    for watch in w.server.open_watches("services"):
        watch.too_old()
        watch.end()
    deadline = time.monotonic() + 40 * w.t.slack
    while until_met and sum(w.server.faults.met.values()) == met:
        check(time.monotonic() < deadline, "no list was asked for")
        time.sleep(0.001)
    settled = time.monotonic() + 2
    while until_met and time.monotonic() < settled:
        peak = max(peak, w.resident())
        time.sleep(0.002)
    return peak


def order(t, certificates):
    with World(t, certificates, "resync 1s", bookmark_every=0.2) as w:
        with t.case("duplicate events"):
            _hold(w, lambda lines: [line for line in lines for _ in range(3)])
        with t.case("older versions of other objects after newer ones"):
            _hold(w, lambda lines: lines[::-1], changes=1)
        with t.case("an older version of the same object after a newer one"):
            _hold(w, lambda lines: lines[::-1])
        with t.case("an object's end before its beginning: healed by a resync"):
            watches = w.server.open_watches()
            for watch in watches:
                watch.hold()
            w.store.put("services", cluster.service("ghost", "10.96.8.9"))
            w.store.delete("services", "prod", "ghost")
            w.put(50)
            with w.store.lock:
                for watch in watches:
                    watch.release(lambda lines: lines[::-1])
            w.seen(10)
            w.answers("ghost.prod.svc.cluster.local", None, 10)
        with t.case("bookmarks and nothing else: the watch goes on from there"):
            for _ in range(5):
                w.store.bump()
                w.server.bookmark()
            w.store.compact()  # only who took the bookmarks can go on without a list
            before = len(w.server.seen("services", "list", resourceVersionMatch="NotOlderThan"))
            for watch in w.server.open_watches():
                watch.end()
            w.moves(20)
            after = len(w.server.seen("services", "list", resourceVersionMatch="NotOlderThan"))
            check(after == before, "it listed anew")
        w.unbroken()


def _hold(w, order_of, changes=3):
    watches = w.server.open_watches()
    for watch in watches:
        watch.hold()
    for i in range(changes):
        w.put(100 + i)
        w.store.put("services", cluster.service("other", f"10.96.9.{i + 1}"))
    with w.store.lock:
        for watch in watches:
            watch.release(order_of)
    w.seen(10)
    w.answers("other.prod.svc.cluster.local", {f"10.96.9.{changes}"}, 10)
    for _ in range(200):   # it stays so: nothing older comes back
        check(w.asker.ask(MOVING, A)[1] == {f"10.96.7.{w.number}"}, "an older address came back")
        check(w.asker.ask(PODS, A)[1] == {f"10.244.7.{w.number}"}, "an older address came back")


GROUPS = [request_faults, watch_faults, too_many_requests, memory, order]
