#!/usr/bin/env python3
"""Asks one server at a steady rate and never twice the same: what is not answered in 5 s is lost.

usage: steady_client.py ADDRESS PORT RATE NAME...

Runs until its standard input ends; then waits for the last replies and prints one line of JSON: how many
were asked and answered, how many replies were wrong and the first of them, the slowest in seconds, for
those that are lost when they were asked, in seconds after the start, and how many replies came from an
address that was not asked (a server behind DNAT whose connection was forgotten between query and reply: the
server did answer). `Steady` runs it beside a test, in a network namespace if one is named. 64 sockets take
turns; each is replaced after 32 queries, so that connection tracking sees new and known clients alike.
"""
import json
import pathlib
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import wire  # noqa: E402 - the path comes first

SOCKETS, QUERIES_EACH, PATIENCE = 64, 32, 5.0


class Asker:
    def __init__(self, address, port, names):
        self.peer = (address, port)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.queries = [wire.query(name, flags=wire.RD)[2:] for name in names]
        self.sockets = [self.open() for _ in range(SOCKETS)]
        self.used = [0] * SOCKETS
        self.old = []  # (close by, socket): replies may still come
        self.asked = self.answered = self.wrong = self.astray = self.slowest = 0
        self.first_wrong = ""
        self.waiting = {}  # (local port, id) -> (when, which)
        self.poll = select.epoll()
        self.by_fd = {}
        for sock in self.sockets:
            self.watch(sock)

    def open(self):
        sock = socket.socket(self.family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        return sock

    def watch(self, sock):
        self.by_fd[sock.fileno()] = (sock, sock.getsockname()[1])
        self.poll.register(sock.fileno(), select.EPOLLIN)

    def ask(self, now):
        at = self.asked % SOCKETS
        if self.used[at] == QUERIES_EACH:
            self.old.append((now + PATIENCE, self.sockets[at]))
            self.sockets[at], self.used[at] = self.open(), 0
            self.watch(self.sockets[at])
        sock, ident, which = self.sockets[at], self.asked & 0xffff, self.asked % len(self.queries)
        self.used[at] += 1
        self.asked += 1
        self.waiting[self.by_fd[sock.fileno()][1], ident] = (now, which)
        try:
            sock.sendto(ident.to_bytes(2, "big") + self.queries[which], self.peer)
        except OSError:
            pass  # this one is then not answered

    def receive(self, seconds):
        for fd, _ in self.poll.poll(max(seconds, 0)):
            sock, port = self.by_fd[fd]
            while True:
                try:
                    reply, peer = sock.recvfrom(4096)
                except BlockingIOError:
                    break
                except OSError:
                    continue
                asked = self.waiting.pop((port, int.from_bytes(reply[:2], "big")), None)
                if asked is None:
                    # What suite spoof forges beside us may come here: it is nobody's reply.
                    self.judge(peer[:2] != self.peer, reply, peer)
                    continue
                self.answered += 1
                self.astray += peer[:2] != self.peer
                self.slowest = max(self.slowest, time.monotonic() - asked[0])
                # NOERROR, with an answer, to this question.
                good = (len(reply) > 12 and reply[3] & 15 == 0 and reply[6:8] != b"\0\0" and
                        reply[12:].startswith(self.queries[asked[1]][10:]))
                self.judge(good, reply, peer)

    def judge(self, good, reply, peer):
        self.wrong += not good
        if not good and not self.first_wrong:
            self.first_wrong = f"{reply[:64].hex()} from {peer[0]}:{peer[1]}"

    def close_old(self, now):
        while self.old and self.old[0][0] < now:
            sock = self.old.pop(0)[1]
            self.poll.unregister(sock.fileno())
            del self.by_fd[sock.fileno()]
            sock.close()


def main():
    asker, rate = Asker(sys.argv[1], int(sys.argv[2]), sys.argv[4:]), float(sys.argv[3])
    start = time.monotonic()
    while not select.select([sys.stdin], [], [], 0)[0]:
        now = time.monotonic()
        # Who falls behind (a machine that is busy) goes on from now instead of catching up at once.
        if (now - start) * rate - asker.asked > rate / 4:
            start = now - asker.asked / rate
        while asker.asked < (now - start) * rate:
            asker.ask(now)
        asker.receive(0.001)
        asker.close_old(now)
    end = time.monotonic() + PATIENCE
    while asker.waiting and time.monotonic() < end:
        asker.receive(0.05)
    print(json.dumps({"asked": asker.asked, "answered": asker.answered, "wrong": asker.wrong,
                      "first_wrong": asker.first_wrong,
                      "astray": asker.astray, "slowest": round(asker.slowest, 3),
                      "lost_at": [round(when - start, 2) for when, _ in asker.waiting.values()][:20]}))


class Steady:
    """`with Steady(...) as client: ...` and afterwards client.result, a dict."""

    def __init__(self, address, port, rate, names, netns=None):
        prefix = ["ip", "netns", "exec", netns] if netns else []
        self.command = [*prefix, sys.executable, __file__, address, str(port), str(rate), *names]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate(timeout=60)
        self.result = json.loads(out) if out else {"asked": 0}

    def lost(self):
        return self.result["asked"] - self.result["answered"]


if __name__ == "__main__":
    main()
