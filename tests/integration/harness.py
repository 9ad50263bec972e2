"""Cases, their report, and what they share: temporary folders, deadlines, free ports.

A suite is a module with `run(t)`. It opens a case with `with t.case("name"):`; an exception in it is
the case's failure, Skip its skipping, and the suite goes on. One line per case:
`ok NAME`, `FAIL NAME: why`, `skip NAME: why`.
"""
import contextlib
import pathlib
import random
import socket
import subprocess
import sys
import threading
import time
import traceback


class Skip(Exception):
    """This case can't run here, and why."""


def check(condition, why):
    if not condition:
        raise AssertionError(why)


def equal(got, want, what="answer"):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def until(condition, what, seconds=10.0, pause=0.01):
    """Polls until `condition()` is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(pause)


def end(process):
    """SIGTERM, and SIGKILL where that does not end it within 5 s."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    """A port of loopback that was free for UDP and TCP a moment ago. It is none of those that the kernel gives
    to clients, of which the suites beside this one have thousands."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    while True:
        port = random.randrange(lowest // 2, lowest)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Report:
    """Counts the cases; threads may share it.

    `command` is how the server is run, `slack` stretches deadlines for builds with sanitizers,
    `quick` leaves out what only repeats.
    """

    def __init__(self, command, root, slack=1.0, quick=False):
        self.command, self.root, self.slack, self.quick = command, root, slack, quick
        self.passed = self.failed = self.skipped = 0
        self.suite = ""
        self._lock = threading.Lock()

    def ok(self, name):
        with self._lock:
            self.passed += 1
            print(f"ok {self.suite}: {name}", flush=True)

    def fail(self, name, why):
        with self._lock:
            self.failed += 1
            print(f"FAIL {self.suite}: {name}: {why}", flush=True)

    def skip(self, name, why):
        with self._lock:
            self.skipped += 1
            print(f"skip {self.suite}: {name}: {why}", flush=True)

    @contextlib.contextmanager
    def case(self, name):
        try:
            yield
        except Skip as why:
            self.skip(name, why)
        except AssertionError as why:
            self.fail(name, str(why) or _where())
        except Exception as error:  # noqa: BLE001 - whatever went wrong fails this case alone
            self.fail(name, f"{type(error).__name__}: {error} ({_where()})")
        else:
            self.ok(name)


def _where():
    frame = traceback.extract_tb(sys.exc_info()[2])[-1]
    return f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"


if __name__ == "__main__":
    print(free_port())
