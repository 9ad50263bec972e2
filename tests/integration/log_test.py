"""The lines of `log` and `errors`: formats and classes, JSON, floods, and a reader that does not read."""
import fcntl
import json
import os
import re
import socket
import threading
import time

import cluster
import wire
from harness import check, end, equal, free_port, until
from keryx import LISTENING, Keryx

FILES = {"objects.json": cluster.OBJECTS}
LOST = re.compile(r"^\[WARNING\] log: (\d+) lines were lost")
COMMON = re.compile(r'^\[INFO\] 127\.0\.0\.1:\d+ - \d+ "A IN web\.prod\.svc\.cluster\.local\. udp 44 false 512" '
                    r"NOERROR qr,aa,rd,ra \d+ \d+\.\d{9}s$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
QUERY_FIELDS = {"time": str, "level": str, "msg": str, "remote": str, "port": int, "local": str, "id": int,
                "type": str, "class": str, "name": str, "proto": str, "size": int, "do": bool, "bufsize": int,
                "rcode": str, "rflags": str, "rsize": int, "duration": float}
BURST = 64
QUESTIONS = 20_000  # of 250 octets: more than what may wait for the reader
LONG = ".".join(["n" * 60] * 3) + ".{:06d}.svc.cluster.local."


def lines_with(k, text, count=1):
    """Lines that have come, once there are so many."""
    until(lambda: sum(text in line for line in k.lines) >= count, f"{count} lines with '{text}'")
    return [line for line in k.lines if text in line]


class Unread(Keryx):
    """Its standard output is a small pipe that is read until the server listens, and again after
    resume()."""

    def _read_output(self, stream):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 4096)
        self.stream, self.reading = stream, threading.Event()
        self.pending = b""
        while not self.listens:
            self._take()
        self.reading.wait()
        while self._take():
            pass

    def _take(self):
        octets = os.read(self.stream.fileno(), 4096)
        *lines, self.pending = (self.pending + octets).split(b"\n")
        for line in lines:
            self.lines.append(line.decode(errors="replace"))
            found = LISTENING.match(self.lines[-1])
            if found:
                self.listens.append((found["v4"], int(found["port"])))
        return octets


def ask_in_bursts(k, count):
    """How many of so many queries for different names were answered."""
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((k.address, k.port))
        client.settimeout(5)
        for first in range(0, count, BURST):
            numbers = range(first, min(first + BURST, count))
            for number in numbers:
                client.send(wire.query(LONG.format(number), ident=number % 65536))
            for _ in numbers:
                try:
                    client.recv(4096)
                except TimeoutError:
                    return answered
                answered += 1
    return answered


def check_unread_pipe(t):
    with t.case("nobody reads: every query is answered, and what was lost is said later"), \
            Unread(t, cluster.corefile(free_port(), "log"), FILES, wait=False) as k:
        before = len([line for line in k.lines if LONG[:20] in line])
        equal(ask_in_bursts(k, QUESTIONS), QUESTIONS, "answered")
        k.reading.set()
        until(lambda: any(LOST.match(line) for line in k.lines), "the line that says how many")
        k.udp(cluster.SERVICE)
        lines_with(k, f" {cluster.SERVICE} ")
        said = sum(int(found[1]) for found in map(LOST.match, k.lines) if found)
        written = len([line for line in k.lines if LONG[:20] in line]) - before
        equal(written + said, QUESTIONS, f"{written} lines and {said} said to be lost")
        check(said > 0, "none was lost: the test asks too little")


def check_stuck_end(t):
    with t.case("nobody reads: the process ends all the same"), \
            Unread(t, cluster.corefile(free_port(), "log"), FILES, wait=False) as k:
        equal(ask_in_bursts(k, 2000), 2000, "answered")
        started = time.monotonic()
        k.stopped = True
        end(k.process)
        equal(k.process.returncode, 0, "exit status")
        check(time.monotonic() - started < 4 * t.slack, "it took too long")


def check_formats(t):
    logs = """log web.prod.svc.cluster.local
    log db.prod.svc.cluster.local \"{combined} {local} {/none} {nothing}\"
    log prod.svc.cluster.local {
        class denial
    }
    log kube-system.svc.cluster.local "{proto} {>bufsize} {remote} {name}" {
        class success
    }"""
    # One worker: the lines of several come in any order.
    with Keryx(t, cluster.corefile(free_port(), logs), FILES, args=("-dns.port", "0", "-workers", "1")) as k:
        with t.case("formats, names and classes"):
            k.udp(cluster.SERVICE)
            k.udp("db.prod.svc.cluster.local.")
            k.udp("inside.prod.svc.cluster.local.")  # success: not wanted
            k.udp("nothing.prod.svc.cluster.local.")
            k.udp("nothing.kube-system.svc.cluster.local.")  # denial: not wanted
            k.udp("outside.every.log.")
            k.tcp("KUBE-DNS.kube-system.svc.cluster.local.", edns=wire.opt(4096))
            last = lines_with(k, "[INFO] tcp ")
            equal(last, ["[INFO] tcp 65535 127.0.0.1 kube-dns.kube-system.svc.cluster.local."])
            lines = [line for line in k.lines if line.startswith("[INFO] 127.0.0.1:")]
            equal(len(lines), 3, f"lines {lines}")
            check(COMMON.match(lines[0]), lines[0])
            check(lines[1].endswith('s "0" 127.0.0.1 - {nothing}'), lines[1])
            check(" NXDOMAIN " in lines[2] and " nothing.prod." in lines[2], lines[2])


def check_announcement(t):
    upstream = free_port()
    with Keryx(t, cluster.corefile(upstream, "cache"), FILES, args=("-dns.port", "0", "-workers", "2")) as k:
        with t.case("what is said at start"):
            lines_with(k, "linux/")
            port = k.port
            for line in (f".:{port} on 127.0.0.1", f"listening dns://127.0.0.1:{port}", "2 workers",
                         f".:{port} on 127.0.0.1: errors, kubernetes, cache, forward",
                         f"plugin/forward: . to 127.0.0.1:{upstream}"):
                check(line in k.lines, f"no line '{line}' in {k.lines}")
            watching = lines_with(k, ": watching ")[0]
            check("cluster.local." in watching and watching.endswith("/objects.json"), watching)
            check(lines_with(k, "Keryx-")[0].startswith("Keryx-"), "the version")


def check_json(t):
    with Keryx(t, cluster.corefile(free_port(), "log"), FILES,
               args=("-dns.port", "0", "-log-format", "json"), wait=False) as k:
        with t.case("JSON: every line is an object with its fields"):
            k.udp(cluster.SERVICE)
            k.udp(b"\x12\x34\x01\x00\0\1\0\0\0\0\0\0\x06\xff\"\\\n\x01.\0\0\1\0\1")
            lines_with(k, '"plugin":"errors"')
            lines_with(k, '"msg":"query"', 2)  # written after the error that it met
            objects = [json.loads(line) for line in k.lines]
            check(all(TIME.match(one["time"]) for one in objects), "a time")
            queries = [one for one in objects if one["msg" if "msg" in one else "error"] == "query"]
            web = next(one for one in queries if one["name"] == cluster.SERVICE)
            equal({name: type(value) for name, value in web.items()}, QUERY_FIELDS, "fields")
            equal((web["remote"], web["local"], web["id"], web["rcode"]),
                  ("127.0.0.1", "127.0.0.1", 0x1234, "NOERROR"), "values")
            odd = r"\255\"\\\010\001\."
            check(any(one["name"] == odd + "." for one in queries), [one["name"] for one in queries])
            error = next(one for one in objects if one.get("plugin") == "errors")
            equal((error["level"], error["rcode"], error["name"], error["type"]),
                  ("error", "SERVFAIL", odd + ".", "A"), "an error")
            check(any(one["msg"].startswith("Keryx-") for one in objects if "msg" in one), "version")


def check_errors(t):
    rules = """errors {
        stacktrace
        consolidate 1s "(could be reached|i/o timeout)$" warning show_first
    }"""
    text = cluster.corefile(free_port()).replace("errors", rules, 1)
    with Keryx(t, text, FILES, wait=False) as k:
        with t.case("errors: a dead upstream, consolidated"):
            for i in range(50):
                equal(k.udp(f"n{i}.example.org.").rcode_text, "SERVFAIL", "rcode")
            first = lines_with(k, "plugin/errors: 2 n0.example.org. A: ")
            equal(len(first), 1, "lines of the first")
            check(first[0].startswith("[WARNING] "), first[0])
            pattern = re.compile(r"^\[WARNING\] plugin/errors: (\d+) errors like "
                                 r"'\(could be reached\|i/o timeout\)\$' occurred in last 1s$")
            until(lambda: sum(int(m[1]) for m in map(pattern.match, k.lines) if m) == 50,
                  "sums of 50 errors")
    with Keryx(t, cluster.corefile(free_port()), FILES) as k:
        with t.case("errors: a dead upstream, without rules"):
            for i in range(300):
                k.udp(f"n{i}.example.org.")
            more = until(lambda: [line for line in k.lines if " more errors like '" in line], "a sum")
            lines = [line for line in k.lines if "plugin/errors" in line]
            check(len(lines) < 60, f"{len(lines)} lines")
            check("(SERVFAIL) occurred in last " in more[0], more[0])


def run(t):
    check_formats(t)
    check_announcement(t)
    check_json(t)
    check_errors(t)
    check_unread_pipe(t)
    check_stuck_end(t)
