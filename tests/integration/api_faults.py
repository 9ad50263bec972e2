"""What an API server answers wrongly on command, and the queue of such commands.

An action takes (exchange, server) and returns True where it has answered; else it has only changed how
the right answer will be sent. Faults of open watches are methods of api_watch.Watch.
"""
import collections
import threading
import time

from api_http import Cut, reset_on_close


class Faults:
    """Which action the next requests meet. Any thread may call."""

    def __init__(self):
        self._lock = threading.Lock()
        self._waiting = []   # [action, resource, verb, times left or None]
        self.met = collections.Counter()

    def add(self, action, resource="*", verb="*", times=1):
        """For the next `times` requests, or all (None) until clear(). `verb`: list or watch;
        `resource`: as in the path, or `discovery`."""
        with self._lock:
            self._waiting.append([action, resource, verb, times])
        return action

    def clear(self):
        with self._lock:
            self._waiting.clear()

    def take(self, resource, verb):
        with self._lock:
            for entry in self._waiting:
                if entry[1] in ("*", resource) and entry[2] in ("*", verb):
                    if entry[3] is not None:
                        entry[3] -= 1
                        if entry[3] == 0:
                            self._waiting.remove(entry)
                    self.met[entry[0]] += 1
                    return entry[0]
        return None


def status(code, reason, message, retry_after=None):
    """500, 503, 429 ... as a Status."""
    headers = [] if retry_after is None else [("Retry-After", retry_after)]

    def act(exchange, _server):
        exchange.refuse(code, reason, message, headers=headers)
        return True
    return act


def too_many(seconds):
    return status(429, "TooManyRequests", "Too many requests, please try again later.", seconds)


def internal_error():
    return status(500, "InternalError", "etcdserver: request timed out")


def gone():
    """HTTP 410 to whatever was asked."""
    return status(410, "Expired", "The resourceVersion for the provided watch is too old.")


def slow(pause):
    """Each chunk of the answer after `pause` seconds."""
    def act(exchange, _server):
        exchange.pause = pause
        return False
    return act


def cut(octets):
    """The connection is reset after so much of the response."""
    def act(exchange, _server):
        exchange.cut_after = octets
        return False
    return act


def empty_list(exchange, _server):
    exchange.empty = True
    return False


def body(octets, content_type="application/json", code=200):
    def act(exchange, _server):
        exchange.respond(code, octets, content_type)
        return True
    return act


def huge_headers(octets):
    def act(exchange, _server):
        exchange.head(200, [("Content-Type", "application/json"), ("X-Noise", "n" * octets),
                            ("Content-Length", 2)])
        exchange.write(b"{}")
        return True
    return act


def reset(exchange, _server):
    """No answer at all, and RST."""
    reset_on_close(exchange.sock)
    raise Cut


def silent(seconds):
    """No answer for so long, then the connection closes."""
    def act(_exchange, server):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and server.listening:
            time.sleep(0.05)
        raise Cut
    return act


def too_large_version(exchange, server):
    """HTTP 504, as a server whose cache is behind."""
    server.refuse_too_large(exchange, exchange.params.get("resourceVersion", "0"), 1)
    return True
