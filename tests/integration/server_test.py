"""The process: command line, Corefile, listeners, log, signals."""
import pathlib
import re
import socket
import tempfile
import time

import cluster
import wire
from harness import check, equal, free_port, until
from keryx import Keryx, run_to_end

FILES = {"objects.json": cluster.OBJECTS}
KUBERNETES = "kubernetes cluster.local in-addr.arpa ip6.arpa {\n manifests objects.json\n }"
# The common format of `log` in the Corefile.
COMMON_LOG = re.compile(
    r'\[INFO\] 127\.0\.0\.1:\d+ - 4660 "A IN web\.prod\.svc\.cluster\.local\. udp 44 false 512" '
    r"NOERROR qr,aa,rd(,ra)? \d+ [0-9.e-]+s$")

IN_NO_POD = "no pod, and no word of an API server"  # which `check` is not about
# What is wrong, the Corefile, and what the message has to name.
REFUSED = [
    ("an unknown plugin", ". {\n    errors\n    nosuch\n}\n", ["Corefile:3", "nosuch"]),
    ("an unknown option", ". {\n    kubernetes cluster.local {\n        manifests objects.json\n"
     "        nosuch\n    }\n}\n", ["Corefile:4", "nosuch"]),
    ("a wrong value", ". {\n    kubernetes cluster.local {\n        manifests objects.json\n"
     "        ttl 4000\n    }\n}\n", ["Corefile:4", "ttl", "4000"]),
    ("pods with a wrong word", ". {\n    kubernetes cluster.local {\n        manifests objects.json\n"
     "        pods maybe\n    }\n}\n", ["Corefile:4", "maybe"]),
    ("endpoint beside manifests", ". {\n    kubernetes cluster.local {\n        manifests objects.json\n"
     "        endpoint http://127.0.0.1:1\n    }\n}\n", ["Corefile:2", "endpoint", "manifests"]),
    ("tls without a CA", ". {\n    kubernetes cluster.local {\n        endpoint https://127.0.0.1:1\n"
     "        tls cert key\n    }\n}\n", ["Corefile:4", "tls"]),
    ("an absent kubeconfig", ". {\n    kubernetes cluster.local {\n        kubeconfig absent\n    }\n}\n",
     ["absent"]),
    (IN_NO_POD, ". {\n    kubernetes cluster.local\n}\n", ["kubeconfig", "endpoint"]),
    ("manifests that are absent", ". {\n    kubernetes cluster.local {\n        manifests absent.yaml\n"
     "    }\n}\n", ["absent.yaml"]),
    ("an open brace", ". {\n    errors\n", ["Corefile:"]),
    ("a plugin twice", ". {\n    errors\n    errors\n}\n", ["Corefile:3", "errors"]),
    ("the same zone twice", ". {\n    errors\n}\n. {\n    errors\n}\n", ["Corefile:4"]),
    ("an upstream that is no address", ". {\n    forward . 300.1.1.1\n}\n", ["Corefile:2", "300.1.1.1"]),
    ("an import that is absent", ". {\n    import nosuch\n}\n", ["Corefile:2", "nosuch"]),
    ("a port out of range", ".:70000 {\n    errors\n}\n", ["Corefile:1", "70000"]),
]


def refusals(t):
    for name, text, wanted in REFUSED:
        with t.case(f"refused: {name}"), tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "Corefile").write_text(text)
            (path / "objects.json").write_text(cluster.OBJECTS)
            status, out, err = run_to_end(t, ["-conf", "Corefile", "-dns.port", "0"], cwd=folder)
            equal(status, 1, f"exit status ({out}{err})")
            for word in wanted:
                check(word in out + err, f"'{word}' is not in: {out}{err}")
            if name != IN_NO_POD:
                equal(run_to_end(t, ["check", "-conf", "Corefile", "-dns.port", "0"], cwd=folder), (1, "", err), "check")


def command_line(t):
    with t.case("-version"):
        status, out, _ = run_to_end(t, ["-version"])
        equal(status, 0, "exit status")
        check(re.fullmatch(r"Keryx-\d+\.\d+\.\d+\nlinux/\w+, \S+ [^\n]+\n", out), out)
    with t.case("-plugins"):
        status, out, _ = run_to_end(t, ["-plugins"])
        equal(status, 0, "exit status")
        for plugin in ("kubernetes", "forward", "loadbalance", "errors", "log", "bind"):
            check(re.search(rf"\b{plugin}\b", out), f"{plugin} is not in: {out}")
    with t.case("an unknown flag"):
        status, out, err = run_to_end(t, ["-nosuch"])
        check(status != 0 and "nosuch" in out + err, f"{status}: {out}{err}")
    with Keryx(t, None) as k, t.case("no Corefile: whoami and log, as CoreDNS"):
        reply = k.udp("who.am.i.")
        equal([rr.address() for rr in reply.additional if rr.rtype == wire.TYPES["A"]], ["127.0.0.1"], "the address")
        until(lambda: any('"A IN who.am.i. udp' in x for x in k.lines), "a log line", 10)
    with t.case("a Corefile that is absent"):
        status, out, err = run_to_end(t, ["-conf", "/absent/Corefile"])
        equal(status, 1, "exit status")
        check("/absent/Corefile" in out + err, out + err)
    with t.case("-conf stdin, malformed"):
        status, out, err = run_to_end(t, ["-conf", "stdin"], stdin=". {\n nosuch\n}\n")
        equal(status, 1, "exit status")
        check("stdin:2" in out + err, out + err)
    with Keryx(t, None, {"Corefile": cluster.corefile(9), **FILES}) as k, t.case("./Corefile"):
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
    pidfile = f"{tempfile.gettempdir()}/keryx-test-{free_port()}.pid"
    with Keryx(t, cluster.corefile(9), FILES, args=("-dns.port", "0", "-pidfile", pidfile)) as k, \
            t.case("-pidfile"):
        equal(int(pathlib.Path(pidfile).read_text()), k.process.pid, "pid")
    pathlib.Path(pidfile).unlink(missing_ok=True)
    port = free_port()
    with Keryx(t, cluster.corefile(9), FILES, args=("-p", str(port))) as k, t.case("-p"):
        equal(k.port, port, "port")
    with Keryx(t, cluster.corefile(9).replace(". {", f".:{port} {{", 1), FILES,
               args=("-dns.port", "1")) as k, t.case("a port in the Corefile wins"):
        equal(k.port, port, "port")


def check_only(t):
    """`keryx check`: what it says, and that it takes no port and asks no API server."""
    with t.case("check says what a start does, with the port in use"), \
            Keryx(t, cluster.corefile(9), FILES) as k:
        status, out, err = run_to_end(t, ["check", "-conf", str(k.folder / "Corefile"), "-dns.port", str(k.port)])
        equal((status, err), (0, ""), out)
        for word in ("kubernetes", "pods ", f"listens on dns://127.0.0.1:{k.port}", "worker", "plugin/reload: "):
            check(word in out, f"'{word}' is not in: {out}")
        equal(out.splitlines()[-1], f"{k.folder}/Corefile: valid", "the last line")
    with t.case("check -conf stdin, an API server that is not there"):
        text = ". {\n kubernetes {\n  endpoint http://192.0.2.1:6443\n }\n health\n debug\n}\n"
        started = time.monotonic()
        status, out, err = run_to_end(t, ["check", "-conf", "stdin"], stdin=text.replace("kubernetes", "kubernetes a.b"))
        equal((status, err), (0, ""), out)
        check(time.monotonic() - started < 3 * t.slack, "it waited for the API server")
        for line in ("    plugin/health: http://:8080/health, lameduck 0s",
                     "notice: accepted, and without effect here: debug", "stdin: valid"):
            check(line in out.splitlines(), f"'{line}' is not in: {out}")
    with t.case("check -nosuch"):
        equal(run_to_end(t, ["check", "-nosuch"])[0], 2, "exit status")
    with t.case("-help"):
        for flag in ("-help", "--help", "-h"):
            status, out, err = run_to_end(t, [flag])
            equal((status, err), (0, ""), flag)
            check("--takeover" in out and "check " in out and "SIGUSR1" in out, out)


def port_in_use(t):
    for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        with t.case(f"the port is in use ({name})"), socket.socket(socket.AF_INET, kind) as taken, \
                tempfile.TemporaryDirectory() as folder:
            port = free_port()
            taken.bind(("127.0.0.1", port))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            refused_for(t, port, folder)
    # SO_REUSEPORT would let a second process share the port in silence.
    port = free_port()
    with Keryx(t, cluster.corefile(9), FILES, args=("-dns.port", str(port))) as k, \
            t.case("the port is in use (another keryx)"), tempfile.TemporaryDirectory() as folder:
        refused_for(t, port, folder)
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"], "the first one's answer")


def refused_for(t, port, folder):
    path = pathlib.Path(folder)
    (path / "Corefile").write_text(cluster.corefile(9))
    (path / "objects.json").write_text(cluster.OBJECTS)
    status, out, err = run_to_end(t, ["-conf", "Corefile", "-dns.port", str(port)], cwd=folder)
    equal(status, 1, f"exit status ({out}{err})")
    check(str(port) in out + err and "in use" in out + err, out + err)


def listeners(t):
    first, second = free_port(), free_port()
    text = (f"cluster.local:{first} in-addr.arpa:{first} {{\n bind 127.0.0.1 127.0.0.2\n {KUBERNETES}\n}}\n"
            f".:{second} {{\n bind 127.0.0.1\n}}\n"
            f"cluster.local:{second} {{\n bind 127.0.0.1\n {KUBERNETES}\n}}\n")
    with Keryx(t, text, FILES, listeners=3, wait=False) as k:
        with t.case("several blocks, addresses and ports"):
            equal(sorted(set(k.listens)), sorted([("127.0.0.1", first), ("127.0.0.2", first),
                                                  ("127.0.0.1", second)]), "listeners")
            for address, port in k.listens:
                for ask in (wire.ask_udp, wire.ask_tcp):
                    r = wire.parse(ask(address, port, wire.query(cluster.SERVICE)))
                    equal(r.addresses(), ["10.96.1.1"], f"{address}:{port}")
        with t.case("a name outside all zones is REFUSED"):
            r = wire.parse(wire.ask_udp("127.0.0.1", first, wire.query("www.example.com.")))
            equal(r.rcode_text, "REFUSED", "rcode")
        with t.case("a block with nothing that answers is REFUSED"):
            r = wire.parse(wire.ask_udp("127.0.0.1", second, wire.query("www.example.com.")))
            equal(r.rcode_text, "REFUSED", "rcode")
    wildcard = f". {{\n errors\n {KUBERNETES}\n multisocket 3\n}}\n"
    with Keryx(t, wildcard, FILES) as k:
        for address in ("127.0.0.1", "127.0.0.2", "127.9.8.7", "::1"):
            with t.case(f"a wildcard replies from {address}, which was asked"):
                # A connected socket only takes what comes from there.
                for _ in range(20):
                    reply = wire.ask_udp(address, k.port, wire.query(cluster.SERVICE))
                    check(reply is not None, "no reply from there")
                    equal(wire.parse(reply).addresses(), ["10.96.1.1"])
                reply = wire.ask_tcp(address, k.port, wire.query(cluster.SERVICE))
                equal(wire.parse(reply).addresses(), ["10.96.1.1"], "over TCP")
    with Keryx(t, f". {{\n bind ::1\n {KUBERNETES}\n}}\n", FILES) as k, t.case("bind ::1"):
        equal(k.listens[0][0], "::1", "address")
        equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])


def log(t):
    with Keryx(t, cluster.corefile(9, "log\n    prometheus :9153\n    cache 30"), FILES) as k:
        with t.case("log has the common format"):
            k.udp(cluster.SERVICE)
            until(lambda: any(COMMON_LOG.search(x) for x in k.lines), f"a log line in {k.lines}", 5)


def signals(t):
    with Keryx(t, cluster.corefile(9), FILES) as k, \
            t.case("SIGTERM ends within a second, open connections or not"):
        held = [wire.open_tcp(k.address, k.port) for _ in range(5)]
        started = time.monotonic()
        k.stop()
        took = time.monotonic() - started
        for sock in held:
            sock.close()
        check(took < 1 * t.slack, f"it took {took:.1f} s")


def run(t):
    command_line(t)
    refusals(t)
    check_only(t)
    port_in_use(t)
    listeners(t)
    log(t)
    signals(t)
