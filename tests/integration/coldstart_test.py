"""A start while the API server is away: the last good state is answered from, and says so.

The server is ours (api_server.py). `snapshot FILE` is written by one keryx and read by the next; names
that exist must never be missing, from the first answer until long after the API server is back.
"""
import contextlib
import pathlib
import stat
import struct
import tempfile
import time

import cluster
import wire
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import COREFILE, MOVING, Prober, fill
from harness import check, equal, until
from keryx import Keryx

WEB, DB, GONE = "web.stable.svc.cluster.local.", "db.stable.svc.cluster.local.", "gone.prod.svc.cluster.local."
ALIAS = "alias.prod.svc.cluster.local."
NOT_READY, STALE, STALE_DENIAL = 14, 3, 19   # RFC 8914
FIELDS = struct.Struct("!I")


class Cold:
    """The cluster, its API server (up at first), and the folder that the snapshot is kept in."""

    def __init__(self, t, certificates, folder):
        self.t, self.folder, self.store = t, folder, Store(endpoints=True)
        self.file = folder / "snapshot"
        fill(self.store)
        self.store.put("services", cluster.service("gone", "10.96.7.200"))
        self.store.put("services", cluster.external("alias", "web.stable.svc.cluster.local"))
        self.server = Server(self.store, certificates)

    def keryx(self, options="", file=None):
        lines = ["kubeconfig kubeconfig", "ttl 30", f"snapshot {file or self.file}", options]
        return Keryx(self.t, COREFILE % "\n        ".join(lines), {"kubeconfig": kubeconfig(self.server)})

    def leave_snapshot(self, options=""):
        """What a run with the API server leaves when it is ended."""
        with self.keryx(options) as k:
            live(k, self.t)
        check(self.file.exists(), "no snapshot was written")


def ede(reply):
    """The info code of the reply's extended error, or None."""
    return next((struct.unpack("!H", data[:2])[0] for code, data in reply.edns_options() if code == 15), None)


def ask(k, qname, qtype="A"):
    reply = k.udp(qname, qtype, edns=wire.opt())
    check(reply, f"no reply for {qname}")
    return reply


def live(k, t):
    """Waits for answers that are not stale."""
    until(lambda: (r := ask(k, WEB)).rcode == 0 and ede(r) is None, f"a live answer; {k.output()}", 15 * t.slack)


def said(k, *words):
    return [x for x in list(k.lines) if all(word in x for word in words)]


def soa_times(reply):
    """TTL and minimum of the SOA in the authority section."""
    equal(len(reply.authority), 1, "records in authority")
    return reply.authority[0].ttl, FIELDS.unpack(reply.authority[0].rdata[-4:])[0]


def stale_answers(t, k):
    with t.case("stale answers: right, TTL 5, EDE 3"):
        for qname, want in [(WEB, ["10.97.0.1"]), (DB, ["10.245.0.1", "10.245.0.2"]), (MOVING, ["10.96.7.1"]),
                            (ALIAS, ["10.97.0.1"]), (GONE, ["10.96.7.200"])]:
            reply = ask(k, qname)
            equal((reply.rcode, sorted(reply.addresses())), (0, want), qname)
            equal({rr.ttl for rr in reply.answer}, {5}, f"TTLs of {qname}")
            equal(ede(reply), STALE, f"extended error of {qname}")
        for qname, qtype in [("_http._tcp.web.stable.svc.cluster.local.", "SRV"), ("1.0.97.10.in-addr.arpa.", "PTR"),
                             ("cluster.local.", "NS"), ("dns-version.cluster.local.", "TXT")]:
            reply = ask(k, qname, qtype)
            check(reply.rcode == 0 and reply.answer, f"{qname} {qtype}: {reply}")
            check(all(rr.ttl <= 5 for rr in reply.answer + reply.additional), f"TTLs of {qname}")
            equal(ede(reply), STALE, f"extended error of {qname}")
    with t.case("stale denials: the SOA with 5 seconds, EDE 19 where the name is not there, else 3"):
        for qname, rcode, code in [("nope.prod.svc.cluster.local.", wire.NXDOMAIN, STALE_DENIAL),
                                   ("prod.svc.cluster.local.", 0, STALE)]:
            reply = ask(k, qname)
            equal((reply.rcode, soa_times(reply), ede(reply)), (rcode, (5, 5), code), qname)
    with t.case("a client without EDNS gets no OPT record"):
        check(k.udp(WEB).edns is None, "an OPT record came")


def comes_back(t, cold, k):
    """The API server returns, with changes made meanwhile."""
    prober = Prober(k)
    prober.start()
    with t.case("the API server comes back: the live state takes over, no name is missing"):
        cold.store.put("services", cluster.service("moving", "10.96.7.9"))
        cold.store.delete("services", "prod", "gone")
        cold.server.up()
        live(k, t)
        equal(ask(k, MOVING).addresses(), ["10.96.7.9"], "what changed")
        equal(ask(k, GONE).rcode_text, "NXDOMAIN", "what is gone")
        equal({rr.ttl for rr in ask(k, WEB).answer}, {30}, "TTL")
        cold.store.put("services", cluster.service("moving", "10.96.7.10"))
        until(lambda: ask(k, MOVING).addresses() == ["10.96.7.10"], "a later change", 10 * t.slack)
        prober.end()


def away_and_back(t, cold):
    with t.case("a snapshot is left at the end, for its owner alone"):
        cold.leave_snapshot()
        equal(stat.S_IMODE(cold.file.stat().st_mode), 0o600, "mode")
        equal([p.name for p in cold.folder.iterdir()], ["snapshot"], "files")
    cold.server.down()
    started = time.monotonic()
    with cold.keryx() as k:
        with t.case("a start without the API server does not wait for it"):
            equal(ask(k, WEB).rcode, 0, "the first answer")
            check(time.monotonic() - started < 3 * t.slack, f"{time.monotonic() - started:.1f} s")
            equal(len(said(k, "[INFO]", "snapshot", "is served until")), 1, "messages")
        stale_answers(t, k)
        with t.case("an end while stale leaves the file as it was"):
            before = cold.file.read_bytes()
            k.stop()
            equal(cold.file.read_bytes() == before, True, "same file")
    with cold.keryx() as k:
        comes_back(t, cold, k)
    cold.server.down()
    with cold.keryx() as k, t.case("what the live state was is what the next start has"):
        equal((ask(k, MOVING).addresses(), ede(ask(k, MOVING))), (["10.96.7.10"], STALE))
        equal(ask(k, GONE).rcode_text, "NXDOMAIN", "what is gone")
    cold.server.up()


def refused(t, cold):
    """An API server that is there, but of no use, ends nothing."""
    tokens, cold.server.tokens = cold.server.tokens, {}
    with cold.keryx() as k:
        prober = Prober(k)
        prober.start()
        with t.case("an API server that refuses us: stale answers go on, then live ones"):
            until(lambda: cold.server.seen(verb="list") or cold.server.seen(verb="watch"), "a request", 10)
            equal(ede(ask(k, WEB)), STALE, "extended error")
            cold.server.tokens = tokens
            until(lambda: ede(ask(k, WEB)) is None, "a live answer", 60 * t.slack)
            prober.end()
    cold.server.tokens = tokens


def killed(t, cold):
    cold.file.unlink()
    with cold.keryx() as k:
        live(k, t)
        with t.case("it is written soon after the first sync, so that SIGKILL costs nothing"):
            until(cold.file.exists, "the file", 15 * t.slack)
        k.stopped = True  # how it ends now is no case
        k.kill()
    cold.server.down()
    with cold.keryx() as k, t.case("a start after SIGKILL without the API server"):
        equal((ask(k, WEB).addresses(), ede(ask(k, WEB))), (["10.97.0.1"], STALE))
    cold.server.up()


def ignored(t, cold):
    """Snapshots that must not be used: as if there were none."""
    def start(name, options, *words):
        with cold.keryx(f"startup_timeout 100ms\n        {options}") as k, t.case(name):
            reply = ask(k, WEB)
            equal((reply.rcode_text, ede(reply)), ("SERVFAIL", NOT_READY))
            equal(len(reply.authority), 1, "records in authority")
            check(reply.flags & 0x0400, "AA is clear")
            equal(len(said(k, "snapshot", *words)), 1, f"messages with {words} in {k.output()}")
    good = cold.file.read_bytes()
    cold.server.down()
    damaged = bytearray(good)
    damaged[len(good) // 2] ^= 4
    cold.file.write_bytes(damaged)
    start("a damaged snapshot is ignored with a message", "", "[WARNING]", "is ignored: damaged")
    cold.file.write_bytes(good[:-100])
    start("a cut snapshot is ignored with a message", "", "[WARNING]", "is ignored: damaged")
    cold.file.write_bytes(good)
    start("one of other options is ignored", "namespaces prod stable", "[WARNING]", "written with other options")
    until(lambda: time.time() > cold.file.stat().st_mtime + 2, "the file's age", 5)
    written = good.split(b"written=")[1][:20].decode()
    start("one that is too old is ignored", "snapshot_max_age 1s", "[WARNING]", written, "snapshot_max_age is")
    cold.file.unlink()
    start("none is no reason to warn", "", "[INFO]", "there is none yet")
    cold.server.up()


def unwritable(t, cold):
    with cold.keryx(file="/proc/keryx/snapshot") as k:
        live(k, t)
        with t.case("a place that cannot be written to: one warning that says what to do"):
            until(lambda: said(k, "[WARNING]", "cannot write snapshot /proc/keryx/snapshot", "emptyDir"), "a warning",
                  15 * t.slack)
            equal(ask(k, WEB).addresses(), ["10.97.0.1"])
            equal(len(said(k, "cannot write snapshot")), 1, "warnings")


def run(t):
    with contextlib.ExitStack() as stack:
        certificates = stack.enter_context(Certificates())
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keryx-cold-")))
        cold = Cold(t, certificates, folder)
        stack.enter_context(cold.server)
        away_and_back(t, cold)
        refused(t, cold)
        killed(t, cold)
        ignored(t, cold)
        unwritable(t, cold)
