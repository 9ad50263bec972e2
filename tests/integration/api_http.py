"""HTTP/1.1 over TLS, the server's side: one request and its response, and how a response may break.

Knows no Kubernetes. A connection belongs to one thread; only a watch is written to by others
(api_watch.py), while its own thread waits.
"""
import gzip
import json
import select
import socket
import ssl
import struct
import time
import urllib.parse

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           410: "Gone", 422: "Unprocessable Entity", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}
CHUNK = 64 * 1024
MAX_HEAD = 64 * 1024


class Cut(Exception):
    """The response ends here, by order; the connection is reset."""


def status_body(code, reason, message, details=None, metadata=None):
    status = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}, "status": "Failure",
              "message": message, "reason": reason, "details": details, "code": code}
    return {key: value for key, value in status.items() if value is not None}


class Exchange:
    """A request, and the response to it. Faults set `pause`, `cut_after` and `empty`."""

    def __init__(self, sock, method, target, headers):
        self.sock, self.method, self.target, self.headers = sock, method, target, headers
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.params = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.gzip_over = None       # octets; None: never
        self.pause = 0.0            # seconds before each chunk
        self.cut_after = None       # octets of the response
        self.empty = False          # a list of nothing
        self.status = None

    def write(self, octets):
        if self.cut_after is not None:
            octets = octets[:self.cut_after]
            self.cut_after -= len(octets)
        self.sock.sendall(octets)
        if self.cut_after == 0:
            raise Cut

    def head(self, status, fields):
        self.status = status
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", "Cache-Control: no-cache, private",
                 *(f"{name}: {value}" for name, value in fields)]
        self.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    def respond(self, status, body, content_type="application/json", headers=()):
        """`body` octets, text, or what is to become JSON."""
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body, separators=(",", ":"))
        body = body.encode() if isinstance(body, str) else body
        fields = [("Content-Type", content_type), *headers]
        if self.gzip_over is not None and len(body) > self.gzip_over and \
                "gzip" in self.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            fields += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        if len(body) <= 2048 and not self.pause:
            self.head(status, [*fields, ("Content-Length", len(body))])
            self.write(body)
            return
        self.head(status, [*fields, ("Transfer-Encoding", "chunked")])
        for at in range(0, len(body), CHUNK):
            if self.pause:
                time.sleep(self.pause)
            part = body[at:at + CHUNK]
            self.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.write(b"0\r\n\r\n")

    def refuse(self, code, reason, message, details=None, headers=(), metadata=None):
        self.respond(code, status_body(code, reason, message, details, metadata), headers=headers)

    def user_by_certificate(self):
        certificate = self.sock.getpeercert() if isinstance(self.sock, ssl.SSLSocket) else None
        subject = (certificate or {}).get("subject", ())
        return dict(pair for part in subject for pair in part).get("commonName")


def read_request(sock):
    """The next request, or None where the client closed. Requests have no body: clients only read."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = sock.recv(16 * 1024)
        if not more or len(octets) > MAX_HEAD:
            return None
        octets += more
    lines = octets.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Exchange(sock, method, target, headers)


def reset_on_close(sock):
    """The close that follows sends RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def peer_closed(sock, also, seconds):
    """Waits until the peer says or closes something, or the eventfd `also` is written: which of the
    two, as (peer, woken). A client that reads a response says nothing but that it goes."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN | select.POLLRDHUP)
    poll.register(also, select.POLLIN)
    ready = {fd for fd, _ in poll.poll(max(0, seconds) * 1000)}
    return sock.fileno() in ready, also in ready
