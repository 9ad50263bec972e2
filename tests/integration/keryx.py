"""Starts and stops the server under test, and judges how it ended.

`with Keryx(t, corefile) as k:` runs it in a folder of its own with `-dns.port 0`, waits until it
says where it listens and answers there, and ends it with SIGTERM. Sanitizer output, or an exit
status other than 0, is a failure of the case "ends cleanly".
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import wire
from harness import check, until

LISTENING = re.compile(r"^(?:\{.*\"msg\":\")?listening dns://(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+)?):"
                       r"(?P<port>\d+)(?:\"\})?$")
HTTP = re.compile(r"^(?:.* )?http listening \[?(?P<address>[^\]]+?)\]?:(?P<port>\d+) (?P<path>/\S*)$")
COMPLAINTS = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|"
                        r"runtime error: |Assertion .* failed|terminate called")


class Keryx:
    """`files` maps names to texts, written beside the Corefile before the start. `prefix`: a command that
    runs the server."""

    def __init__(self, t, corefile, files=None, args=("-dns.port", "0"), netns=None, listeners=1,
                 wait=True, env=None, prefix=()):
        self.t, self.listeners, self.wait_for_answer = t, listeners, wait
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keryx-test-"))
        for file, text in (files or {}).items():
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.command = [*prefix, *t.command]
        if corefile is not None:
            (self.folder / "Corefile").write_text(corefile)
            self.command += ["-conf", str(self.folder / "Corefile")]
        self.command += args
        if netns:
            self.command[:0] = ["ip", "netns", "exec", netns]
        self.netns, self.env = netns, env
        self.lines, self.listens, self.process, self.stopped = [], [], None, False
        self.expects_refusals = False  # of system calls
        self.http = {}  # path: [(address, port)]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", cwd=self.folder,
            env={**os.environ, **(self.env or {})})
        threading.Thread(target=self._read_output, args=(self.process.stdout,),
                         daemon=True).start()
        until(lambda: len(self.listens) >= self.listeners or self.process.poll() is not None,
              f"{self.listeners} 'listening' lines", 20 * self.t.slack)
        check(len(self.listens) >= self.listeners, f"the server did not start: {self.output()}")
        if self.wait_for_answer and not self.netns:
            probe = wire.query("version.bind.", "TXT", qclass=3)
            until(lambda: wire.ask_udp(self.address, self.port, probe, 0.5), "a first answer", 10)

    def _read_output(self, stream):
        for line in stream:
            line = line.rstrip("\n")
            self.lines.append(line)
            http = HTTP.match(line)
            if http:
                address = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(http["address"], http["address"])
                self.http.setdefault(http["path"], []).append((address, int(http["port"])))
            found = LISTENING.match(line)
            if found:
                address = found["v6"] or found["v4"] or "0.0.0.0"
                self.listens.append((address, int(found["port"])))

    @property
    def address(self):
        """Where to ask; loopback for a wildcard."""
        address = self.listens[0][0]
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)

    @property
    def port(self):
        return self.listens[0][1]

    def output(self):
        time.sleep(0.05)  # lets the reading thread take the last line of a process that ended
        return " | ".join(self.lines[-20:]) or "(no output)"

    def alive(self):
        return self.process.poll() is None

    def complaints(self):
        """What sanitizers said: each report's first line and the frames that follow it."""
        found = []
        for at, line in enumerate(self.lines):
            if COMPLAINTS.search(line):
                found.append("\n    ".join([line, *self.lines[at + 1:at + 40]]))
        return found

    def udp(self, *args, timeout=5.0, **kwargs):
        """Asks over UDP; the parsed reply or None."""
        octets = args[0] if isinstance(args[0], bytes) else wire.query(*args, **kwargs)
        reply = wire.ask_udp(self.address, self.port, octets, timeout)
        return None if reply is None else wire.parse(reply)

    def tcp(self, *args, timeout=5.0, **kwargs):
        octets = args[0] if isinstance(args[0], bytes) else wire.query(*args, **kwargs)
        reply = wire.ask_tcp(self.address, self.port, octets, timeout)
        return None if reply is None else wire.parse(reply)

    def stop(self):
        """Ends the server, once; how it ended is a case of its own."""
        if self.stopped:
            return
        self.stopped = True
        with self.t.case("ends cleanly"):
            check(self.alive(), f"it ended before it was asked to: {self.output()}")
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(10 * self.t.slack)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"still there after SIGTERM: {self.output()}") from None
            check(not self.complaints(), "\n  ".join(self.complaints()[:2]))
            check(status == 0, f"exit status {status}: {self.output()}")
            refused = [line for line in self.lines if "sandbox: refused" in line]
            check(self.expects_refusals or not refused, f"a system call that is on no list: {refused}")
        self.kill()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()


def run_to_end(t, args, stdin="", cwd="/", seconds=20.0):
    """Runs the binary until it ends by itself: (exit status, stdout, stderr)."""
    done = subprocess.run([*t.command, *args], input=stdin, text=True, cwd=cwd,
                          capture_output=True, timeout=seconds * t.slack, check=False)
    return done.returncode, done.stdout, done.stderr
