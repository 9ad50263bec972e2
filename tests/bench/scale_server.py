"""An API server of one large cluster for the bench: lists that were made before, watches that stay open.

Knows the requests that keryx sends, no more; it spends as little CPU as it can, since it shares the
machine with what is measured. HTTP/1.1 over TLS 1.3, a thread per connection.
"""
import gzip
import socket
import ssl
import threading
import time

import big_cluster

PATHS = {"/api/v1/namespaces": "namespaces", "/api/v1/services": "services",
         "/apis/discovery.k8s.io/v1/endpointslices": "endpointslices"}
GROUP = (b'{"kind":"APIGroup","apiVersion":"v1","name":"discovery.k8s.io","versions":'
         b'[{"groupVersion":"discovery.k8s.io/v1","version":"v1"}]}')
NO_STREAM = (b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"Invalid",'
             b'"message":"sendInitialEvents is forbidden for watch","code":422}')
TOO_OLD = (b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
           b'"message":"too old resource version","reason":"Expired","code":410}}\n')


class ScaleServer:
    """`version`: of all objects. Lists are of the cluster as it was made."""

    def __init__(self, certificates, services, endpoints, compress, stream):
        self.compress, self.stream = compress, stream
        self.first_list, self.watches, self.lock = None, {}, threading.Lock()
        self.lists_sent = 0
        per_service = endpoints // services
        slices = [big_cluster.slice_of(i, 30_000 + i, [big_cluster.pod_ip(i * per_service + j)
                                                       for j in range(per_service)])
                  for i in range(services)]
        objects = {"namespaces": ("Namespace", "v1", [big_cluster.namespace(i)
                                                      for i in range(big_cluster.NAMESPACES)]),
                   "services": ("Service", "v1", [big_cluster.service(i, 10_000 + i) for i in range(services)]),
                   "endpointslices": ("EndpointSlice", "discovery.k8s.io/v1", slices)}
        self.version = 60_000
        self.lists, self.events = {}, {}
        for plural, (kind, api, made) in objects.items():
            self.lists[plural] = big_cluster.listing(kind, api, self.version, made)
            if stream:
                lines = [big_cluster.event(kind, api, "ADDED", o) for o in made]
                end = {"metadata": {"resourceVersion": str(self.version),
                                    "annotations": {"k8s.io/initial-events-end": "true"}}}
                self.events[plural] = b"".join(lines) + big_cluster.event(kind, api, "BOOKMARK", end)
        self.octets = sum(map(len, self.lists.values()))
        if compress:  # as the real one does, at its fastest
            self.lists = {p: gzip.compress(body, 1) for p, body in self.lists.items()}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            raw, _ = self.listener.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as conn:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = conn.recv(16384)
                    if not piece:
                        return
                    head += piece
                self._answer(conn, head.split(b" ", 2)[1].decode())
        except OSError:
            pass

    def _answer(self, conn, target):
        path, _, query = target.partition("?")
        plural = PATHS.get(path)
        if path == "/apis/discovery.k8s.io":
            self._send(conn, 200, GROUP)
        elif plural is None:
            self._send(conn, 404, b"{}")
        elif "sendInitialEvents" in query and not self.stream:
            self._send(conn, 422, NO_STREAM)
        elif "watch=" in query:
            self._watch(conn, plural, "sendInitialEvents" in query)
        else:
            self.first_list = self.first_list or time.monotonic()
            self._send(conn, 200, self.lists[plural], gzipped=self.compress)
            self.lists_sent += 1

    @staticmethod
    def _send(conn, status, body, gzipped=False):
        coding = "Content-Encoding: gzip\r\n" if gzipped else ""
        conn.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{coding}"
                     f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        view = memoryview(body)
        for at in range(0, len(view), 1 << 18):
            conn.sendall(view[at:at + (1 << 18)])

    def _watch(self, conn, plural, with_list):
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        if with_list:
            self.first_list = self.first_list or time.monotonic()
            for at in range(0, len(self.events[plural]), 1 << 16):
                self._chunk(conn, self.events[plural][at:at + (1 << 16)])
            self.lists_sent += 1
        with self.lock:
            self.watches[plural] = conn
        try:
            conn.recv(1)  # until the client goes
        finally:
            with self.lock:
                if self.watches.get(plural) is conn:
                    del self.watches[plural]

    @staticmethod
    def _chunk(conn, octets):
        conn.sendall(b"%x\r\n%s\r\n" % (len(octets), octets))

    def send(self, plural, event):
        """One event; when its last octet had been written."""
        self._chunk(self.watches[plural], event)
        return time.perf_counter()

    def expire(self):
        """Every open watch is told that its version is too old; after a bookmark, since a watch that
        never brought anything would be retried slowly."""
        mark = {"metadata": {"resourceVersion": str(self.version)}}
        with self.lock:
            watches, self.watches = self.watches, {}
        for conn in watches.values():
            self._chunk(conn, big_cluster.event("Any", "v1", "BOOKMARK", mark))
            self._chunk(conn, TOO_OLD)
