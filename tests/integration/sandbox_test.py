"""What the process gives up: capabilities, system calls, core files, and copies of its token; and how the binary
was linked.

Every suite fails where the filter refuses a system call (keryx.py); here the parts that call most run together.
"""
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

import cluster
from api_certificates import Certificates
from api_server import Server, kubeconfig
from api_store import Store
from api_world import fill
from harness import Skip, check, equal, free_port, until
from keryx import Keryx
from upstream import Upstream

NET_BIND = 1 << 10
USER = 65532
MOST_COPIES = 24   # of the token, in memory that is free
PLAIN = """
. {
    bind 127.0.0.1
    prometheus 127.0.0.1:0
    hosts {
        192.0.2.1 hosted.example
    }
}
"""
# Where clang's control-flow integrity ends the process, on amd64: ud1l 2(%eax), %eax.
CHECK_FAILED = bytes.fromhex("670fb94002")
NO_FILTER = "this build has no filter"
# A container's profile that takes the right to filter away: seccomp(2), and prctl(PR_SET_SECCOMP).
PROFILE = """
import ctypes, os, sys
class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
s = ctypes.CDLL("libseccomp.so.2")
s.seccomp_init.restype = ctypes.c_void_p
allow, deny, equals, set_seccomp = 0x7fff0000, 0x00050001, 4, 22
f = ctypes.c_void_p(s.seccomp_init(ctypes.c_uint32(allow)))
def rule(call, *compare):
    array = (Compare * len(compare))(*compare)
    if s.seccomp_rule_add_array(f, ctypes.c_uint32(deny), s.seccomp_syscall_resolve_name(call), len(compare), array):
        sys.exit("no rule")
rule(b"seccomp")
rule(b"prctl", Compare(0, equals, set_seccomp, 0))
if s.seccomp_load(f):
    sys.exit("not loaded")
os.execv(sys.argv[1], sys.argv[1:])
"""
# Makes a call that is on no list whenever metrics are read.
INTRUDER = """
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
int getrusage(__rusage_who_t who, struct rusage* usage) {
    mkdir("/nosuch/folder", 0700);
    return syscall(SYS_getrusage, who, usage);
}
"""


def said(k, *words):
    return [line for line in list(k.lines) if all(word in line for word in words)]


def statuses(k):
    """/proc/PID/status of every thread."""
    found = []
    for path in pathlib.Path(f"/proc/{k.process.pid}/task").glob("*/status"):
        found.append(dict(re.findall(r"^(\w+):\s*(.*)$", path.read_text(), re.MULTILINE)))
    return found


def scrape(k):
    address, port = k.http["/metrics"][0]
    with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=10) as page:
        return page.read().decode()


def has_filter(k):
    return not said(k, "sandbox:", NO_FILTER)


def need_filter(t):
    with Keryx(t, PLAIN) as k:
        if not has_filter(k):
            raise Skip("a build with sanitizers")


def on_and_off(t):
    with Keryx(t, PLAIN) as k:
        filtered = has_filter(k)
        with t.case("every thread: no capability but NET_BIND_SERVICE, no new privileges"):
            threads = statuses(k)
            check(len(threads) > 2, f"{len(threads)} threads")
            for s in threads:
                equal((s["NoNewPrivs"], int(s["CapEff"], 16), int(s["CapInh"], 16), int(s["CapAmb"], 16)),
                      ("1", 0, 0, 0), s["Name"])
                equal(int(s["CapPrm"], 16) & ~NET_BIND, 0, "permitted")
                if os.geteuid() == 0:
                    equal(int(s["CapBnd"], 16), NET_BIND, "bounding")
        with t.case("every thread: system calls are filtered, memory is hidden, no core file"):
            if not filtered:
                raise Skip("a build with sanitizers")
            equal({s["Seccomp"] for s in statuses(k)}, {"2"}, "Seccomp")
            limits = pathlib.Path(f"/proc/{k.process.pid}/limits").read_text()
            check(re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits)
            equal(os.stat(f"/proc/{k.process.pid}/fd").st_uid, 0, "owner of /proc/PID/fd")
            equal(said(k, "sandbox:"), [], "lines")
    with Keryx(t, PLAIN, args=("-dns.port", "0", "-no-sandbox")) as k, t.case("-no-sandbox: as it was, and a line says so"):
        mine = pathlib.Path("/proc/self/status").read_text()
        for s in statuses(k):
            for field in ("NoNewPrivs", "Seccomp", "CapPrm", "CapEff", "CapBnd"):
                equal(s[field], re.search(rf"^{field}:\s*(.*)$", mine, re.MULTILINE)[1], field)
        equal(len(said(k, "[WARNING]", "sandbox: off")), 1, "lines")


def as_user(t):
    """As the container's user, without a capability; and the takeover between two of them."""
    if os.geteuid() != 0:
        raise Skip("needs root to become another user")
    prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    if not shutil.which("setpriv") or subprocess.run([*prefix, *t.command, "-version"], check=False,
                                                     capture_output=True).returncode:
        raise Skip("another user cannot run the binary here")
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, USER, USER)
        port, path = free_port(), pathlib.Path(folder) / "takeover"
        text = PLAIN.replace(". {", f".:{port} {{")

        def server():
            k = Keryx(t, text, args=("-takeover", str(path)), prefix=prefix)
            k.folder.chmod(0o755)
            return k
        first = server()
        second = server()
        try:
            with first:
                with t.case(f"as user {USER}: the process can read what it says of itself"):
                    page = scrape(first)
                    for name in ("process_open_fds", "process_resident_memory_bytes"):
                        value = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
                        check(value and float(value[1]) > 3, f"{name}: {value}")
                    equal({int(s["CapPrm"], 16) for s in statuses(first)}, {0}, "permitted")
                with t.case(f"as user {USER}: a takeover"):
                    second.start()
                    equal(first.process.wait(20 * t.slack), 0, f"status of the first ({first.output()})")
                    first.stopped = True
                    equal(second.udp("hosted.example.").addresses(), ["192.0.2.1"])
                    second.stop()
        finally:
            second.kill()
            shutil.rmtree(second.folder, ignore_errors=True)


def refusal(t):
    need_filter(t)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Skip("no C compiler")
    with tempfile.TemporaryDirectory() as folder, t.case("a refused call is named in the log once; the server goes on"):
        source, library = pathlib.Path(folder) / "intruder.c", pathlib.Path(folder) / "intruder.so"
        source.write_text("#define _GNU_SOURCE\n" + INTRUDER)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        with Keryx(t, PLAIN, env={"LD_PRELOAD": str(library)}) as k:
            k.expects_refusals = True
            for _ in range(3):
                scrape(k)
            until(lambda: said(k, "refused the system call"), f"the line: {k.output()}", 10 * t.slack)
            scrape(k)
            equal(k.udp("hosted.example.").addresses(), ["192.0.2.1"])
            k.stop()
            lines = said(k, "refused the system call")
            equal(len(lines), 1, f"lines: {lines}")
            check("mkdir" in lines[0] and "[WARNING]" in lines[0], lines[0])


def foreign_profile(t):
    need_filter(t)
    if subprocess.run([sys.executable, "-c", PROFILE, "/bin/true"], check=False, capture_output=True).returncode:
        raise Skip("no filter can be installed from here")
    with t.case("under a profile that forbids filters it warns and serves"), \
            Keryx(t, PLAIN, prefix=[sys.executable, "-c", PROFILE]) as k:
        equal(k.udp("hosted.example.").addresses(), ["192.0.2.1"])
        equal(len(said(k, "[WARNING]", "sandbox: system calls are not filtered: ")), 1, k.output())


TOUR = """
. {{
    bind 127.0.0.1
    errors
    log
    debug
    health 127.0.0.1:0 {{
        lameduck 100ms
    }}
    ready 127.0.0.1:0
    prometheus 127.0.0.1:0
    hosts hosts.txt {{
        192.0.2.{number} hosted.example
        reload 100ms
        fallthrough
    }}
    template IN TXT made.example {{
        answer "{{{{ .Name }}}} 60 IN TXT made"
    }}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig kubeconfig
        snapshot {snapshot}
        resync 1h
    }}
    forward . 127.0.0.1:{upstream}
    loop
    cache 30
    reload 2s 1s
}}
{more}
"""


def tour(t, certificates):
    """All at once, so that what they do together passes the filter: stop() fails where it does not."""
    token = secrets.token_hex(450)  # as long as a ServiceAccount's
    store = Store(endpoints=True)
    fill(store)
    server = Server(store, certificates)
    server.tokens = {token: "someone"}
    with tempfile.TemporaryDirectory() as name, Upstream(cluster.world) as upstream, server:
        folder = pathlib.Path(name)
        (folder / "token").write_text(token)
        values = {"snapshot": folder / "snapshot", "upstream": upstream.port}
        files = {"kubeconfig": kubeconfig(server).replace("token: token-1", f"tokenFile: {folder}/token"),
                 "hosts.txt": "192.0.2.9 file.example\n"}
        args = ("-dns.port", "0", "-takeover", str(folder / "takeover"), "-pidfile", str(folder / "pid"))
        with Keryx(t, TOUR.format(number=1, more="", **values), files, args) as k:
            with t.case("a tour of all that it does"):
                ask_all(t, k, 1)
                (k.folder / "hosts.txt").write_text("192.0.2.10 file.example\n")
                until(lambda: k.udp("file.example.").addresses() == ["192.0.2.10"], "the hosts file", 20 * t.slack)
                more = f"other.example:{free_port()} {{\n    bind 127.0.0.1\n    whoami\n}}\n"
                (k.folder / "Corefile").write_text(TOUR.format(number=2, more=more, **values))
                k.process.send_signal(signal.SIGUSR1)
                until(lambda: said(k, "Reloading complete"), f"the reload: {k.output()}", 20 * t.slack)
                ask_all(t, k, 2)
                until((folder / "snapshot").exists, "the snapshot", 20 * t.slack)
            with t.case("no token in the log, nor a key"):
                lines = "\n".join(k.lines)
                check(token[:20] not in lines and "PRIVATE KEY" not in lines, "a secret is in the log")
            with t.case("few copies of the token stay in memory, and no more with each request"):
                if os.geteuid() != 0:
                    raise Skip("needs root")
                if not has_filter(k):
                    raise Skip("a build with sanitizers keeps what is freed")
                few_copies(t, server, k, token)


def ask_all(t, k, number):
    until(lambda: k.udp("web.stable.svc.cluster.local.").addresses() == ["10.97.0.1"], k.output(), 20 * t.slack)
    until(lambda: k.udp("hosted.example.").addresses() == [f"192.0.2.{number}"], "the Corefile", 20 * t.slack)
    check(k.tcp("web.stable.svc.cluster.local."), "TCP")
    check(k.udp("www.example.com.").answer, "the upstream")
    check(k.udp("www.example.com.").answer, "the cache")
    check(k.udp("made.example.", "TXT").answer, "the template")
    scrape(k)
    for path in ("/health", "/ready"):
        address, port = k.http[path][0]
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=10) as page:
            equal(page.status, 200, path)


def copies(k, text):
    """How often the octets stand in memory that the process can write to."""
    count, octets = 0, text.encode()
    with open(f"/proc/{k.process.pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{k.process.pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, rights, *_ = line.split()
            if not rights.startswith("rw") or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in where.split("-"))
            memory.seek(begin)
            found = b""
            while len(found) < end - begin and (piece := memory.read(end - begin - len(found))):
                found += piece
            count += found.count(octets)
    return count


def few_copies(t, server, k, token):
    """cpp-httplib leaves some in what it frees. Were they to stay, twelve rounds of some three requests would leave more."""
    seen = []
    for number in range(1, 13):
        server.cut_all()
        server.store.put("services", cluster.service("moving", f"10.96.7.{number}"))
        until(lambda n=number: k.udp("moving.prod.svc.cluster.local.").addresses() == [f"10.96.7.{n}"],
              f"round {number}", 30 * t.slack)
        seen.append(copies(k, token))
    print(f"   copies of the token after each round of requests: {seen}", flush=True)
    check(max(seen) < MOST_COPIES, f"copies: {seen}")


def readelf(t, *options):
    done = subprocess.run(["readelf", "-W", *options, t.command[-1]], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"readelf: {done.stderr.strip()}")
    return done.stdout


def binary(t):
    if not shutil.which("readelf"):
        raise Skip("readelf is not installed")
    with t.case("the binary: PIE, RELRO, bound at start, no executable stack or writable code"):
        check(re.search(r"Type: +DYN", readelf(t, "-h")), "no PIE")
        dynamic = readelf(t, "-d")
        check("BIND_NOW" in dynamic or re.search(r"FLAGS_1.*\bNOW\b", dynamic), "bound lazily")
        check(re.search(r"FLAGS_1.*\bPIE\b", dynamic), "no PIE flag")
        segments = readelf(t, "-l")
        check("GNU_RELRO" in segments, "no RELRO")
        stack = re.search(r"GNU_STACK.*", segments)
        check(stack and " RW " in stack[0], f"stack: {stack and stack[0]}")
        check(not re.search(r"LOAD.* RWE ", segments), "code that can be written")
        check("RUNPATH" not in dynamic and "RPATH" not in dynamic, "a path of libraries")
    with t.case("the binary: stack protector, and checked calls of glibc where it is optimised"):
        symbols = readelf(t, "--dyn-syms")
        check("__stack_chk_fail" in symbols, "no stack protector")
        if not re.search(r"\b__(?!stack)\w+_chk\b", symbols):
            need_filter(t)
            check("debug" in str(t.command[-1]), "no call is checked (_FORTIFY_SOURCE)")


def guarded_calls(t):
    """That the checks hold is tests/cfi's to show; here, that this binary has them."""
    path = pathlib.Path(t.command[-1])
    options = path.parents[1] / "meson-info/intro-buildoptions.json"
    if not options.exists() or {"name": "cfi", "value": True} not in [
            {key: option[key] for key in ("name", "value")} for option in json.loads(options.read_text())]:
        raise Skip("a build without -Dcfi=true")
    with t.case("the binary: calls through pointers and virtual calls are checked"):
        traps = path.read_bytes().count(CHECK_FAILED)
        check(traps > 400, f"{traps} checks")


def run(t):
    for part in (on_and_off, as_user, refusal, foreign_profile, binary, guarded_calls):
        try:
            part(t)
        except Skip as why:
            t.skip(part.__name__, why)
    with Certificates() as certificates:
        tour(t, certificates)
