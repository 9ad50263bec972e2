"""`keryx top` and /api/top: real load from several addresses, what is shown of it, on a terminal and without one."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import cluster
import wire
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import fill
from harness import check, equal, free_port, until
from keryx import Keryx, run_to_end
from status_test import get, no_such_name, refused
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
WEB = "web.prod.svc.cluster.local."
ESCAPES = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]")
# What a name may hold (RFC 2181 §11): here the start of a sequence that colours a terminal, and a newline.
HOSTILE = "evil\\027[31m\\010.example."


def corefile(port, upstream, extra=""):
    return f"""
. {{
    bind 127.0.0.1
    status 127.0.0.1:{port}
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward . 127.0.0.1:{upstream}
    {extra}
}}
"""


def top(port, query=""):
    code, _, body = get(port, f"/api/top{query}")
    equal(code, 200, body)
    return json.loads(body)


def dig(k, source, names):
    """Asks for each of `names` once, from `source`, one after the other."""
    file = k.folder / f"names-{source}"
    file.write_text("".join(f"{name} A\n" for name in names))
    subprocess.run(["dig", f"@{k.address}", "-p", str(k.port), "-b", source, "+tries=1", "+time=5", "+noall",
                    "-f", str(file)], check=True, timeout=120, stdout=subprocess.DEVNULL)


def load(k):
    """The same counts each time: {client: queries}."""
    dig(k, "127.0.0.11", [WEB] * 40)
    dig(k, "127.0.0.12", [WEB] * 10 + ["nothing.prod.svc.cluster.local."] * 20)
    searched = [f"www.example.org.{suffix}" for suffix in
                ("prod.svc.cluster.local.", "svc.cluster.local.", "cluster.local.", "")]
    dig(k, "127.0.0.13", searched * 5)
    dig(k, "127.0.0.14", ["web.prod.svc.other.local."] * 7 + [HOSTILE] * 3)
    return {"127.0.0.11": 40, "127.0.0.12": 30, "127.0.0.13": 20, "127.0.0.14": 10}


def shown(entries, of="name"):
    return [(e[of], e["queries"]) for e in entries]


def lists(t, k, port):
    with t.case("clients, names, NXDOMAIN, search suffixes, leaks: each is counted"):
        want = load(k)
        # The first answer that the harness waits for was ours, too.
        said = top(port)
        clients = {e["client"]: e["queries"] for e in said["lists"]["clients"]}
        equal({c: n for c, n in clients.items() if c != "127.0.0.1"}, want, "clients")
        equal(shown(said["lists"]["names"])[0], (WEB, 50))
        denied = dict(shown(said["lists"]["nxdomain"]))
        equal(denied["nothing.prod.svc.cluster.local."], 20)
        equal([denied[f"www.example.org.{s}"] for s in ("prod.svc.cluster.local.", "svc.cluster.local.",
                                                        "cluster.local.", "")], [5, 5, 5, 5])
        equal(shown(said["lists"]["wasted"]), [("www.example.org.", 15)])
        equal(shown(said["lists"]["leaked"]), [("web.prod.svc.other.local.", 7)])
        equal(dict(shown(said["lists"]["names"])).get(HOSTILE), 3, said["lists"]["names"])
        check(0 < said["window_seconds"] < 130, said["window_seconds"])
        check(said["queries"] >= 100, said["queries"])
        first = said["lists"]["clients"][0]
        check(0.2 < first["share"] <= 0.4 and first["per_second"] > 0, first)
    with t.case("?list= and ?n=, and what is refused"):
        one = top(port, "?list=clients&n=2")
        equal((list(one["lists"]), len(one["lists"]["clients"])), (["clients"], 2))
        for query in ("?list=nonsense", "?n=0", "?n=101", "?n=x", "?n=-1", "?list=clients&n=1e9"):
            equal(get(port, f"/api/top{query}")[0], 400, query)


def errors(t, k, port):
    with t.case("errors: SERVFAIL, REFUSED and FORMERR, with their code"):
        dig(k, "127.0.0.15", ["broken.example."] * 3)
        for _ in range(4):
            k.udp(wire.query(WEB) + b"x")
        found = {(e["name"], e["rcode"]): e["queries"] for e in top(port, "?list=errors")["lists"]["errors"]}
        equal(found.get(("broken.example.", "SERVFAIL")), 3, found)
        equal(found.get((WEB, "FORMERR")), 4, found)


def reloads(t, k, port, upstream):
    with t.case("a reload keeps the counts; without `status` nothing is counted, and it begins anew"):
        def reload(text):
            done = sum("Reloading complete" in line for line in k.lines)
            (k.folder / "Corefile").write_text(text)
            k.process.send_signal(signal.SIGUSR1)
            until(lambda: sum("Reloading complete" in x for x in k.lines) > done, k.output(), 20 * t.slack)

        before = top(port)["queries"]
        reload(corefile(port, upstream, "loadbalance"))
        check(top(port)["queries"] >= before, "the counts are gone")
        k.udp(WEB)
        check(top(port)["queries"] > before, "nothing is counted any more")
        reload(corefile(port, upstream).replace(f"status 127.0.0.1:{port}", "#"))
        check(refused(port), "the page is still there")
        reload(corefile(port, upstream))
        check(top(port)["queries"] < before, "the counts of before are still there")


def printed(t, k, port):
    server = ["-server", f"127.0.0.1:{port}"]
    with t.case("keryx top without a terminal: printed once; no octet acts on a terminal"):
        code, out, err = run_to_end(t, ["top", *server])
        equal((code, err), (0, ""))
        check("40" in out and "127.0.0.11" in out and f"{WEB}\n" in out, out)
        check("-- names tried with search suffixes in vain --" in out, out)
        check("evil\\027[31m\\010.example." in out, out)
        equal([c for c in out if not c.isprintable() and c != "\n"], [], "control octets")
    with t.case("keryx top -o json, -n, and wrong flags"):
        code, out, _ = run_to_end(t, ["top", *server, "-o", "json", "-n", "1"])
        equal((code, len(json.loads(out)["lists"]["clients"])), (0, 1))
        for wrong in (["-n", "0"], ["-n", "x"], ["-o", "xml"], ["-nonsense"], ["extra"]):
            equal(run_to_end(t, ["top", *server, *wrong])[0], 2, wrong)
    with t.case("keryx top where no server answers, or one that is another"):
        code, out, err = run_to_end(t, ["top", "-server", f"127.0.0.1:{free_port()}"])
        equal((code, out), (2, ""))
        check("put `status` into the Corefile of the server" in err, err)
        for place in (":0", "127.0.0.1:99999"):
            code, _, err = run_to_end(t, ["top", "-server", place])
            check(code == 2 and "not an address and port" in err, (place, code, err))
        code, _, err = run_to_end(t, ["top", "-server", f"127.0.0.1:{k.http['/health'][0][1]}"])
        check(code == 2 and "another program's" in err, err)


class Terminal:
    """`keryx top` on a terminal of that size."""

    def __init__(self, t, args, rows, columns):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(t.command[0], [*t.command, *args])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes = termios.tcgetattr(self.fd)

    def read(self, seconds=0.2):
        if select.select([self.fd], [], [], seconds)[0]:
            with contextlib.suppress(OSError):  # the other side has ended
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        return self.seen

    def screens(self):
        """What was drawn, one text per refresh."""
        return [ESCAPES.sub("", s) for s in self.seen.split("\x1b[H")[1:] if "\x1b[J" in s]

    def end(self, key, slack):
        os.write(self.fd, key)
        deadline = time.monotonic() + 10 * slack
        while time.monotonic() < deadline:
            self.read(0.05)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"it does not end: {self.seen[-200:]!r}")


def terminal(t, k, port):
    for name, key, size in (("q", b"q", (40, 100)), ("Ctrl-C", b"\x03", (12, 40))):
        with t.case(f"keryx top on a terminal of {size[1]} columns: live, until {name}"):
            screen = Terminal(t, ["top", "-server", f"127.0.0.1:{port}"], *size)
            try:
                until(lambda: screen.read() and screen.screens(), "a first screen", 20 * t.slack)
                for _ in range(5):
                    k.udp("fresh.prod.svc.cluster.local.")
                until(lambda: screen.read() and len(screen.screens()) >= 3, "refreshes", 20 * t.slack)
                check(screen.seen.startswith("\x1b[?1049h\x1b[?25l"), "no screen of its own")
                for text in screen.screens()[1:]:
                    lines = [line.rstrip("\r") for line in text.split("\n")]
                    check(len(lines) <= size[0] and max(len(x) for x in lines) <= size[1], lines)
                check("-- clients --" in screen.screens()[-1], screen.screens()[-1])
                equal(screen.end(key, t.slack), 0, "exit status")
                check(screen.seen.endswith("\x1b[?25h\x1b[?1049l"), repr(screen.seen[-60:]))
            finally:
                os.close(screen.fd)


def of_pods(t):
    with t.case("a client that is a pod has its name, where pods are watched"), contextlib.ExitStack() as stack:
        store = Store(endpoints=True)
        fill(store)
        server = stack.enter_context(Server(store, stack.enter_context(Certificates())))
        store.put("pods", {"metadata": {"name": "asks", "namespace": "stable"},
                           "spec": {}, "status": {"phase": "Running", "podIP": "127.0.0.77"}})
        text = """. {
            bind 127.0.0.1
            status 127.0.0.1:0
            kubernetes cluster.local {
                kubeconfig kubeconfig
                pods verified
            }
        }"""
        k = stack.enter_context(Keryx(t, text, {"kubeconfig": kubeconfig(server)}))
        until(lambda: "/" in k.http, "the page", 10)
        port = k.http["/"][0][1]

        def pod():
            dig(k, "127.0.0.77", ["web.stable.svc.cluster.local."])
            found = {e["client"]: e for e in top(port, "?list=clients")["lists"]["clients"]}
            return (found["127.0.0.77"]["pod"], found["127.0.0.77"]["pods"]) == ("stable/asks", 1)
        until(pod, "the pod's name", 30 * t.slack)
        out = run_to_end(t, ["top", "-server", f"127.0.0.1:{port}"])[1]
        check("stable/asks (127.0.0.77)" in out, out)


def run(t):
    def answer(query, tcp):
        broken = query.questions[0][0].startswith("broken.")
        return reply(query, rcode=wire.SERVFAIL) if broken else no_such_name(query, tcp)

    with contextlib.ExitStack() as stack:
        up = stack.enter_context(Upstream(answer))
        port = free_port()
        k = stack.enter_context(Keryx(t, corefile(port, up.port, "health 127.0.0.1:0"), FILES))
        until(lambda: "/" in k.http and "/health" in k.http, "the listeners", 10)
        lists(t, k, port)
        printed(t, k, port)
        terminal(t, k, port)
        errors(t, k, port)
        reloads(t, k, port, up.port)
    of_pods(t)
