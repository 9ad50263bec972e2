"""The processes of a soak beside the server: clients that behave well, clients that do not, the upstream."""
import collections
import json
import pathlib
import struct
import subprocess
import sys
import threading

import outside
from harness import check, end

HERE = pathlib.Path(__file__).resolve().parent
RECORD = struct.Struct("<IIQqq")
TCP, LOST, TRUNCATED, MALFORMED, UNASKED = 1, 2, 4, 8, 16
SOURCES = ["127.0.0.2", "127.0.0.3"]


def start(*command):
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class Upstream:
    def __enter__(self):
        self.process = start(sys.executable, outside.__file__)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        end(self.process)
        self.process.stdout.close()


class Clients:
    """Of both kinds. `chunks`: whole records of the well-behaved (client/records.h), in order for each
    process; who judges takes them out."""

    def __init__(self, keryx, tool, questions, rate, hostile_rate, seed):
        peer = keryx.address, keryx.port
        self.chunks, self.hostile, self.ended = collections.deque(), collections.Counter(), False
        self.asking = [start(tool, source, *peer, rate / len(SOURCES), seed + i, questions)
                       for i, source in enumerate(SOURCES)]
        self.harming = start(sys.executable, HERE / "hostile.py", *peer, hostile_rate, seed)
        self.threads = [threading.Thread(target=self._read_records, args=(p.stdout,), daemon=True) for p in self.asking]
        self.threads.append(threading.Thread(target=self._read_counts, daemon=True))
        for thread in self.threads:
            thread.start()

    def _read_records(self, stream):
        rest = b""
        while octets := stream.read1(1 << 16):
            octets = rest + octets
            whole = len(octets) - len(octets) % RECORD.size
            rest = octets[whole:]
            self.chunks.append(octets[:whole])

    def _read_counts(self):
        for line in self.harming.stdout:
            self.hostile = collections.Counter(json.loads(line))

    def alive(self):
        return all(p.poll() is None for p in (*self.asking, self.harming))

    def stop(self):
        """Who behaves well waits for the last replies; then all records are there."""
        if self.ended:
            return
        self.ended, died = True, not self.alive()
        for process in (*self.asking, self.harming):
            process.stdin.close()
        for process in (*self.asking, self.harming):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                died = True
                process.kill()
        for thread in self.threads:
            thread.join(10)
        check(not died, "a client died")
