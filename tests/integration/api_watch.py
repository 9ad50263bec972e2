"""A watch: one open response to which events are written, rightly or wrongly.

Events come from whoever changes the Store, under its lock, straight onto the socket. The connection's
own thread only waits for the end. What is sent while `stalled` is lost, what is sent while `held` waits
for release().
"""
import json
import os
import socket
import threading
import time

from api_http import Cut, peer_closed, reset_on_close, status_body
from api_objects import KINDS

INITIAL_EVENTS_END = '"annotations":{"k8s.io/initial-events-end":"true"},'


class Watch:
    """`version`: what happened up to it is not told. `shape`: as Entry.text() takes it."""

    def __init__(self, exchange, resource, shape, matches, version):
        self.exchange, self.resource, self.shape, self.matches = exchange, resource, shape, matches
        self.version, self.sock = version, exchange.sock
        self.bookmarks = exchange.params.get("allowWatchBookmarks") in ("true", "1")
        self.stalled, self.held, self.how = False, None, None
        self.closed_by_client = False
        self.sent = 0
        self._lock = threading.RLock()
        self._wake = os.eventfd(0)

    def line(self, event):
        """The event as this watch sees it, or None: an object that leaves the selection is deleted."""
        before, after = event.before, event.after
        if self.matches:
            before = before if before and self.matches(before.object) else None
            after = after if after and self.matches(after.object) else None
        if after:
            return _line("MODIFIED" if before else "ADDED", after.watch_text(self.shape))
        return _line("DELETED", before.at(event.version).watch_text(self.shape)) if before else None

    def deliver(self, event):
        self.version = event.version
        line = self.line(event) if event.told else None
        if line is not None:
            self.send(line)

    def send(self, line):
        if self.held is not None:
            self.held.append(line)
        else:
            self.write(b"%x\r\n%s\r\n" % (len(line), line))

    def write(self, octets):
        """Onto the stream as it is, chunked already. A client that is gone ends the watch."""
        if self.stalled or self.how:
            return
        with self._lock:
            try:
                self.exchange.write(octets)
                self.sent += len(octets)
            except (OSError, ValueError):
                self.end("fin")
            except Cut:
                self.end("rst")

    def bookmark(self, version=None, initial_events_end=False):
        kind, version = KINDS[self.resource], self.version if version is None else version
        extra = INITIAL_EVENTS_END if initial_events_end else ""
        self.send(_line("BOOKMARK", (
            f'{{"kind":"{kind.kind}","apiVersion":"{kind.api_version(self.shape)}","metadata":{{{extra}'
            f'"resourceVersion":"{version}","creationTimestamp":null}}{kind.rest}}}')))

    def too_old(self, current=0):
        """The ERROR event of a version that is too old; the stream stays open."""
        self.send(_line("ERROR", json.dumps(status_body(
            410, "Expired", f"too old resource version: {self.version} ({current})"), separators=(",", ":"))))

    def hold(self):
        self.held = []

    def release(self, order=lambda lines: lines):
        """Sends what was held, as `order` arranges it."""
        lines, self.held = self.held or [], None
        for line in order(lines):
            self.send(line)

    def cut_mid_line(self, how="rst"):
        """Half an event in half a chunk, then the end."""
        line = _line("ADDED", '{"kind":"%s","metadata":{"name":"half-a-' % KINDS[self.resource].kind)
        self.write(b"%x\r\n%s" % (4 * len(line), line[:-2]))
        self.end(how)

    def end(self, how="end"):
        """`end`: as after timeoutSeconds. `fin`: the connection closes within the response. `rst`.
        `half`: our side of it alone."""
        if how == "end":
            self.write(b"0\r\n\r\n")
        with self._lock:
            self.how = self.how or how
            if self._wake is not None:
                os.eventfd_write(self._wake, 1)

    def wait(self, seconds):
        """Until the watch is over: true if the connection can serve another request."""
        deadline = time.monotonic() + seconds
        while not self.how:
            peer, _ = peer_closed(self.sock, self._wake, deadline - time.monotonic())
            if peer:
                self.closed_by_client = True
                self.how = self.how or "fin"
            elif time.monotonic() >= deadline:
                self.end("end")
        if self.how == "half":
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            os.eventfd_read(self._wake)
            self.closed_by_client = peer_closed(self.sock, self._wake, deadline - time.monotonic())[0]
        elif self.how == "rst":
            reset_on_close(self.sock)
        return self.how == "end"

    def dispose(self):
        with self._lock:
            os.close(self._wake)
            self._wake = None


def _line(kind, text):
    return f'{{"type":"{kind}","object":{text}}}\n'.encode()
