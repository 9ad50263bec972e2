"""Who may read: credentials, certificates, RBAC; and what is said and answered before the first list."""
import pathlib
import socket
import tempfile
import threading
import time

import wire
from api_server import kubeconfig
from api_world import MOVING, World
from harness import check, equal, until
from keryx import Keryx
from model_dns import SERVFAIL

NOT_READY = 14  # extended DNS error, RFC 8914
UNSYNCED = "startup_timeout 300ms\n        resync 1h"


def ways_in(t, certificates):
    with t.case("kubeconfig with a token"), World(t, certificates) as w:
        w.moves()
        tokens_seen = {r[5].get("authorization") for r in w.server.seen("services")}
        equal(tokens_seen, {"Bearer token-1"}, "Authorization")
        agents = {r[5].get("user-agent", "") for r in w.server.seen("services")}
        check(all("keryx" in agent.lower() for agent in agents), f"User-Agent: {agents}")
    access = "endpoint {url}\n        tls {folder}/client.crt {folder}/client.key {folder}/ca.crt"
    with t.case("endpoint and tls with a client certificate"), \
            World(t, certificates, access=access, tokens={}) as w:
        w.moves()

    def insecure(server):
        ca = f"certificate-authority: {certificates / 'ca.crt'}"
        return kubeconfig(server).replace(ca, "insecure-skip-tls-verify: true")
    with t.case("kubeconfig with insecure-skip-tls-verify, expired certificate"), \
            World(t, certificates, config=insecure, before=lambda w: w.server.use("expired")) as w:
        w.moves()


def wrong_certificates(t, certificates):
    """Each says once what is wrong, and is mended without a restart."""
    def other_ca(server):
        return kubeconfig(server).replace("/ca.crt", "/other-ca.crt")
    with t.case("a CA that did not sign the server's certificate"), \
            World(t, certificates, UNSYNCED, config=other_ca, synced=False) as w:
        line = w.says("certificate")[0]
        check("other-ca.crt" in line, f"it does not name the CA file that does not fit: {line}")
        _is_not_ready(w)
        check(not w.server.seen(), "our token was shown to a server that nobody vouches for")
        _few(w, "certificate")
    for certificate, word in (("expired", "expired"), ("elsewhere", "127.0.0.1")):
        with t.case(f"a server's certificate that is wrong: {certificate}"), \
                World(t, certificates, UNSYNCED, synced=False,
                      before=lambda w, c=certificate: w.server.use(c)) as w:
            w.says("certificate", word)
            _is_not_ready(w)
            _few(w, "certificate")
            w.server.use("server")
            w.answers(MOVING, {"10.96.7.1"}, 40)
            w.moves()


def _few(w, *words):
    """What goes on being wrong is not said again with every try."""
    lines = len(w.said(*words))
    check(1 <= lines <= 3, f"{lines} messages with {words}: {w.k.output()}")


def _is_not_ready(w, name=MOVING):
    """Before all lists are there, what is not known is SERVFAIL with its reason, never NXDOMAIN."""
    reply = w.k.udp(name + ".", edns=wire.opt())
    equal(reply.rcode_text, "SERVFAIL", "rcode")
    codes = [int.from_bytes(data[:2], "big") for code, data in reply.edns_options() if code == 15]
    equal(codes, [NOT_READY], "extended errors")
    equal(w.k.udp("svc.cluster.local.").rcode_text, "NOERROR", "an empty non-terminal by grammar")
    equal(w.k.udp("9.9.96.10.in-addr.arpa.", "PTR").rcode_text, "SERVFAIL", "rcode of a reverse name")


def tokens(t, certificates):
    with t.case("a token that is not known: said once, with what to mend; known later: served"), \
            World(t, certificates, UNSYNCED, synced=False, tokens={}) as w:
        w.says("[ERROR]", "(401)", "token")
        _is_not_ready(w)
        w.server.tokens = {"token-1": "someone"}
        w.answers(MOVING, {"10.96.7.1"}, 40)
        _few(w, "(401)")
    with tempfile.TemporaryDirectory() as folder, t.case("a token file that rotates while watches are open"):
        file = pathlib.Path(folder) / "token"
        file.write_text("token-1\n")

        def with_file(server):
            return kubeconfig(server).replace("token: token-1", f"tokenFile: {file}")
        with World(t, certificates, config=with_file) as w:
            w.moves()
            file.write_text("token-2\n")
            w.server.tokens = {"token-2": "someone"}
            w.server.cut_all()
            w.moves(20)
            check(not w.said("(401)"), f"the old token was used: {w.k.output()}")
            w.unbroken()
    with tempfile.TemporaryDirectory() as folder, t.case("a token that ran out and is replaced later"):
        file = pathlib.Path(folder) / "token"
        file.write_text("token-1")

        def with_file_too(server):
            return kubeconfig(server).replace("token: token-1", f"tokenFile: {file}")
        with World(t, certificates, config=with_file_too) as w:
            w.server.tokens = {}
            w.server.cut_all()
            w.says("(401)")
            w.put(9)
            file.write_text("token-2")
            w.server.tokens = {"token-2": "someone"}
            w.seen(40)
            w.unbroken()


def rbac(t, certificates):
    for resource in ("services", "endpointslices", "namespaces"):
        with t.case(f"no right to list and watch {resource} at the start, granted later"), \
                World(t, certificates, UNSYNCED, synced=False, streaming=False,
                      denied={("list", resource), ("watch", resource)}) as w:
            w.says("(403)", 'verb "watch"', f'resource "{resource}"')  # lists by a watch are tried first
            _is_not_ready(w, "nothing.prod.svc.cluster.local")
            w.server.denied = {("list", resource)}
            w.says("(403)", 'verb "list"', f'resource "{resource}"', seconds=40)
            w.server.denied = set()
            w.answers(MOVING, {"10.96.7.1"}, 40)
            w.moves()
            _few(w, "(403)", resource)
    with t.case("the right to watch is taken away and comes back: names stay"), World(t, certificates) as w:
        w.server.denied = {("watch", "endpointslices")}
        w.server.cut_all()
        w.says("(403)", "watch", "endpointslices")
        w.put(9)
        w.answers(MOVING, {"10.96.7.9"}, 10)   # Services still flow
        w.server.denied = set()
        w.seen(40)
        w.unbroken()


def before_the_first_list(t, certificates):
    with t.case("an API server that is down: waits for startup_timeout, then SERVFAIL; up later: served"), \
            World(t, certificates, "startup_timeout 1s", synced=False, before=lambda w: w.server.down()) as w:
        lines = list(w.k.lines)
        waiting, gave_up, listens = ([i for i, x in enumerate(lines) if text in x] for text in (
            "[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server",
            "[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API", "listening dns"))
        check(waiting and len(gave_up) == 1 and listens, f"log: {lines}")
        check(waiting[0] < gave_up[0] < listens[0], f"their order: {lines}")
        _is_not_ready(w)
        w.server.up()
        w.answers(MOVING, {"10.96.7.1"}, 10)
        w.answers("nothing.prod.svc.cluster.local", None)
    with t.case("an API server that answers: the first query is answered, however long startup_timeout is"), \
            World(t, certificates, "startup_timeout 1m", synced=False) as w:
        equal(w.asker.ask(MOVING, 1), (0, {"10.96.7.1"}))
        check(not w.said("unsynced"), w.k.output())
    with t.case("one of three lists never comes: what would be NXDOMAIN is SERVFAIL"), \
            World(t, certificates, UNSYNCED, synced=False, streaming=False,
                  denied={("list", "endpointslices")}) as w:
        w.answers(MOVING, {"10.96.7.1"}, 10)  # what is known already is answered
        equal(w.asker.ask("nothing.prod.svc.cluster.local", 1)[0], SERVFAIL, "rcode")


def ends_at_once(t, certificates):
    with t.case("SIGTERM while watches are open: ends within a second"), World(t, certificates) as w:
        _ends(w.k, 1.0 * t.slack)
    with t.case("SIGTERM while an API server is silent in the midst of TLS: ends within the 5 s of a connect"):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(30)
            held = []
            threading.Thread(target=lambda: held.append(silent.accept()), daemon=True).start()
            port = silent.getsockname()[1]
            corefile = (". {\n bind 127.0.0.1\n kubernetes cluster.local {\n "
                        f"endpoint https://127.0.0.1:{port}\n startup_timeout 100ms\n }}\n}}\n")
            with Keryx(t, corefile) as k:
                until(lambda: held, "a connection", 10)
                _ends(k, 6.0 * t.slack)


def _ends(k, seconds):
    started = time.monotonic()
    k.stop()
    took = time.monotonic() - started
    check(took < seconds, f"it took {took:.1f} s")


GROUPS = [ways_in, wrong_certificates, tokens, rbac, before_the_first_list, ends_at_once]
