"""What goes wrong between the API server and its client while the model changes.

Each takes the running model (model_test.Model): `m.server`, `m.store`, `m.random`, `m.change(n)` for n
steps that are not checked yet. QUICK ones cost the client no pause; SLOW ones make it wait before it
connects or lists again, or are healed by a resync alone, so they are rationed.
"""
import collections
import copy
import json
import uuid

import api_faults

WATCHED = ["services", "endpointslices", "namespaces"]


def _watches(m):
    return m.server.open_watches(m.random.choice(["*", *WATCHED]))


def _held(m, order):
    watches = _watches(m)
    for watch in watches:
        watch.hold()
    m.change(m.random.randrange(2, 8))
    with m.store.lock:
        for watch in watches:
            watch.release(order)


# Quick

def duplicated(m):
    _held(m, lambda lines: [line for line in lines for _ in range(2)])


def repeated_batch(m):
    """All of them twice, so that older versions come after newer ones."""
    _held(m, lambda lines: lines + lines)


def reordered_between_objects(m):
    """Each object's own events stay in order."""
    def order(lines):
        groups = collections.defaultdict(list)
        for line in lines:
            meta = json.loads(line)["object"]["metadata"]
            groups[meta.get("namespace"), meta.get("name")].append(line)
        marks = groups.pop((None, None), [])
        shuffled = list(groups.values())
        m.random.shuffle(shuffled)
        return [line for group in [*shuffled, marks] for line in group]
    _held(m, order)


def bookmarks(m):
    m.store.bump()
    m.server.bookmark()
    m.change(1)


def ended_in_order(m):
    """timeoutSeconds is over."""
    for watch in _watches(m):
        watch.end()
    m.change(3)


def too_old_event(m):
    """410 as an ERROR event, after which the server may or may not close."""
    closes = m.random.random() < 0.5
    for watch in _watches(m):
        watch.too_old(m.store.version)
        if closes:
            watch.end()
    m.change(3)


def too_old_after_compaction(m):
    """What happened is forgotten before the client has heard of it."""
    watches = _watches(m)
    for watch in watches:
        watch.hold()
    m.change(4)
    m.store.compact()
    m.server.too_old_closes = m.random.random() < 0.5
    for watch in watches:
        watch.end()


def in_small_pieces(m):
    """Chunk borders within a line, and lines that share a chunk."""
    watches = _watches(m)
    for watch in watches:
        watch.hold()
    m.change(4)
    with m.store.lock:
        for watch in watches:
            octets, watch.held = b"".join(watch.held), None
            while octets:
                size = m.random.choice([1, 7, 300, 5000])
                watch.write(b"%x\r\n%s\r\n" % (len(octets[:size]), octets[:size]))
                octets = octets[size:]


def big_object(m):
    """Just under what a real API server takes in, and then it is deleted."""
    big = {"metadata": {"name": "big", "namespace": "stable"}, "data": "x" * 1_400_000,
           "spec": {"type": "ExternalName", "externalName": "big.example.com"}}
    m.store.put("services", big)
    m.change(1)
    m.store.delete("services", "stable", "big")


def older_version_of_an_object(m):
    """An object as it was some time ago, told again as MODIFIED."""
    with m.store.lock:
        now = m.store.objects
        old = [e for e in m.store.history if e.before and e.after and e.told and
               e.before.key in now[e.resource] and now[e.resource][e.before.key].uid == e.before.uid]
        for event in m.random.sample(old, min(3, len(old))):
            text = event.before.watch_text("v1")
            for watch in m.server.open_watches(event.resource):
                watch.send(f'{{"type":"MODIFIED","object":{text}}}\n'.encode())
    m.change(2)


# Slow

def reordered(m):
    """Anything after anything, deletions too: a resync has to mend what came out wrong."""
    def order(lines):
        lines = list(lines)
        m.random.shuffle(lines)
        return lines
    _held(m, order)


def lost(m):
    """Changes that no watch is told of."""
    m.untold(lambda: m.change(m.random.randrange(1, 6)))


def cut_mid_line(m):
    for watch in _watches(m):
        watch.cut_mid_line(m.random.choice(["rst", "fin", "half"]))
    m.change(5)


def closed(m):
    for watch in _watches(m):
        watch.end(m.random.choice(["rst", "fin", "half"]))
    m.change(5)


def garbage(m):
    line = m.random.choice([
        b"\x00\xff\xfe\x80 not json at all\n", b'{"type":"ADDED","object":\n', b"{}\n", b"[]\n", b'"text"\n',
        b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":{"kind":"Service","apiVersion":"v1"}}\n',
        b'{"type":"SOMETHING","object":{}}\n', b"\n" * 50,
        b'{"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"\xff\xfe"}}}\n',
        b'{"type":"MODIFIED","object":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n",
        b'{"type":"ADDED","object":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}\n"])
    for watch in _watches(m):
        watch.send(line)
    m.change(3)


def bad_framing(m):
    for watch in _watches(m):
        watch.write(m.random.choice([b"zz\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", b"5\r\nabcdeXY"]))
        watch.end("fin")
    m.change(3)


def error_event(m):
    text = ('{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"etcd is unwell",'
            '"reason":"InternalError","code":500}')
    for watch in _watches(m):
        watch.send(f'{{"type":"ERROR","object":{text}}}\n'.encode())
        watch.end()
    m.change(3)


def refused_for_a_moment(m):
    m.server.down("rst")
    m.change(10)
    m.server.up()


def answers_with_errors(m):
    """The next watch or list of each resource is answered by an error."""
    for resource in WATCHED:
        m.server.faults.add(m.random.choice([
            api_faults.too_many(1), api_faults.internal_error(),
            api_faults.status(503, "ServiceUnavailable", "shutting down"),
            api_faults.reset, api_faults.cut(m.random.randrange(1, 3000)), api_faults.huge_headers(200_000),
            api_faults.body("<html>a proxy's page</html>", "text/html"), api_faults.body("{}"),
            api_faults.body('{"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]}')]), resource)
    for watch in _watches(m):
        watch.too_old()
        watch.end()
    m.change(5)


def gone_by_status(m):
    """HTTP 410 to the next watch, then slow lists."""
    for resource in WATCHED:
        m.server.faults.add(api_faults.gone(), resource, "watch")
        m.server.faults.add(api_faults.slow(0.05), resource, "list")
    for watch in m.server.open_watches():
        watch.end()
    m.change(5)


def lagging(m):
    """A server whose cache stands still answers the relist: its past must not become our present."""
    m.server.freeze()
    m.change(6)
    for watch in _watches(m):
        watch.too_old()
        watch.end("fin")
    m.wait(0.3)
    m.change(3)
    m.server.thaw()


def restored(m):
    """etcd comes back as it was some steps ago; what happened since never did. Its versions may pass
    those that were seen before a client is back."""
    version, objects = m.store.version, m.store.copy()
    truth, free = copy.deepcopy(m.steps.truth), copy.deepcopy(m.steps.free)
    m.change(m.random.randrange(5, 40))
    m.steps.truth, m.steps.free = truth, free
    m.store.restore(version, objects)
    m.change(m.random.choice([2, 60]))


def other_uid(m):
    """An object that was deleted and made again while the server looked away is MODIFIED to a watch."""
    keys = sorted(m.steps.truth.services)
    if keys:
        m.store.put("services", m.steps.truth.services[m.random.choice(keys)], uid=str(uuid.uuid4()))
    m.change(2)


QUICK = [duplicated, repeated_batch, reordered_between_objects, bookmarks, ended_in_order, in_small_pieces,
         big_object, older_version_of_an_object, other_uid, too_old_event, too_old_after_compaction]
SLOW = [reordered, lost, cut_mid_line, closed, garbage, bad_framing, error_event, refused_for_a_moment,
        answers_with_errors, gone_by_status, lagging, restored]
