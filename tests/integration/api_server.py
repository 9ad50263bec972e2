#!/usr/bin/env python3
"""An API server in front of an api_store.Store: HTTP/1.1 over TLS, lists and watches.

What it says and how was compared with kube-apiserver 1.20 and the API's documentation
(https://kubernetes.io/docs/reference/using-api/api-concepts/). `with Server(store, certificates) as s:`;
its fields may be changed at any time and count from the next request on. Run by itself, api_server.py
FOLDER, it serves a small cluster until it is ended, and leaves a kubeconfig in that folder.
"""
import collections
import pathlib
import re
import signal
import socket
import ssl
import sys
import threading
import time

import api_lists
import api_selectors
from api_faults import Faults
from api_http import Cut, read_request, reset_on_close
from api_objects import KINDS
from api_watch import Watch

PATH = re.compile(r"^/(?:api/v1|apis/(?P<group>discovery\.k8s\.io)/(?P<shape>v1|v1beta1))/(?P<resource>\w+)$")
USER = "system:serviceaccount:kube-system:keryx"


class Server:
    def __init__(self, store, certificates, certificate="server", host="127.0.0.1"):
        self.store, self.certificates, self.host, self.port = store, certificates, host, 0
        self.tokens = {"token-1": USER}   # bearer token -> user
        self.denied = set()               # (verb, resource)
        self.slices = ("v1",)             # versions of discovery.k8s.io; none: no such group
        self.absent = set()               # resources that answer 404
        self.streaming = True             # sendInitialEvents
        self.metadata_lists = True        # PartialObjectMetadataList
        self.too_old_closes = False       # the stream, after the ERROR event of a version that is too old
        self.old = False                  # caches know only the version of their own last change
        self.gzip_over = 128 * 1024       # octets; None: never
        self.fresh_wait = 0.3             # seconds until 504 Too large resource version
        self.bookmark_every = 60.0        # seconds; read again each tick
        self.faults = Faults()
        self.requests = collections.deque(maxlen=20000)   # (seconds, resource, verb, params, status)
        self.watches, self.connections = [], set()
        self.cache = None                 # (version, objects) while frozen
        self.choose = lambda: self        # who serves a new connection: a balancer's part
        self.listening = None
        self.use(certificate)

    # Life

    def __enter__(self):
        self.store.servers.append(self)
        self.up()
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.store.servers.remove(self)
        self.down()

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    def use(self, certificate):
        """The certificate that connections from now on are shown."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(self.certificates / f"{certificate}.{kind}" for kind in ("crt", "key")))
        context.load_verify_locations(self.certificates / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        self._tls = context

    def up(self):
        """Listens; after down() on the same port."""
        sock = socket.create_server((self.host, self.port), backlog=64)
        self.port, self.listening = sock.getsockname()[1], sock
        threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def down(self, how="fin"):
        """Refuses connections, and ends those that are open."""
        sock, self.listening = self.listening, None
        if sock:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self.cut_all(how)

    def cut_all(self, how="fin"):
        for watch in self.open_watches():
            watch.end(how)
        for connection in list(self.connections):
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                pass  # it ended by itself

    def open_watches(self, resource="*"):
        return [w for w in list(self.watches) if resource in ("*", w.resource) and not w.how]

    def serve_slices(self, *versions):
        """An upgrade or downgrade: these versions of EndpointSlice from now on."""
        self.slices = versions
        for watch in self.open_watches("endpointslices"):
            if watch.shape not in versions:
                watch.end("fin")

    def seen(self, resource="*", verb="*", **params):
        """The requests so far that fit; a parameter None must be absent."""
        return [r for r in list(self.requests)
                if resource in ("*", r[1]) and verb in ("*", r[2]) and
                all(r[3].get(key) == value for key, value in params.items())]

    # The cache between etcd and watches

    def freeze(self):
        """From now on this server lags: its cache stays as it is."""
        with self.store.lock:
            self.cache = (self.store.version, self.store.copy())

    def thaw(self):
        with self.store.lock:
            self.cache = None
            for watch in self.open_watches():
                for event in self.store.since(watch.version):
                    if event.resource == watch.resource:
                        watch.deliver(event)

    def happened(self, event):
        """Called by the store under its lock."""
        if self.cache is None:
            for watch in self.watches:
                if watch.resource == event.resource:
                    watch.deliver(event)

    def version_of(self, resource):
        """How far the cache of a resource says it is."""
        if self.cache is not None:
            return self.cache[0]
        return self.store.last_version(resource) if self.old else self.store.version

    def bookmark(self, resource="*"):
        with self.store.lock:
            for watch in self.open_watches(resource):
                if watch.bookmarks:
                    watch.version = max(watch.version, self.version_of(watch.resource))
                    watch.bookmark()

    def _tick(self):
        last = time.monotonic()
        while self in self.store.servers:
            time.sleep(0.05)
            if time.monotonic() - last >= self.bookmark_every:
                last = time.monotonic()
                self.bookmark()

    # Connections

    def _accept(self, sock):
        while True:
            try:
                client, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self.choose()._connection, args=(client,), daemon=True).start()

    def _connection(self, client):
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(20)
            with self._tls.wrap_socket(client, server_side=True) as sock:
                self.connections.add(sock)
                try:
                    self._serve(sock)
                finally:
                    self.connections.discard(sock)
        except (OSError, ValueError):
            client.close()  # the other side went, or refused our certificate

    def _serve(self, sock):
        while self.listening:
            try:
                sock.settimeout(300)
                exchange = read_request(sock)
                if exchange is None:
                    return
                sock.settimeout(20)
                exchange.gzip_over = self.gzip_over
                if self._answer(exchange) is False:
                    return
            except Cut:
                reset_on_close(sock)
                return

    # Requests

    def _answer(self, exchange):
        """False where the connection is over with it."""
        found = PATH.match(exchange.path)
        resource = found["resource"] if found else "discovery" if "discovery" in exchange.path else "other"
        verb = "watch" if exchange.params.get("watch") in ("true", "1") else "list"
        entry = [time.monotonic(), resource, verb, exchange.params, None, exchange.headers]
        self.requests.append(entry)
        try:
            if self._refused(exchange, resource, verb):
                return None
            fault = self.faults.take(resource, verb)
            if fault and fault(exchange, self):
                return None
            if not found:
                return self._discovery(exchange)
            shape = found["shape"] or "v1"
            if not self._exists(found):
                return self._not_found(exchange)
            try:
                matches = api_selectors.selector(resource, exchange.params.get("labelSelector", ""),
                                                 exchange.params.get("fieldSelector", ""))
            except api_selectors.BadSelector as why:
                return exchange.refuse(400, "BadRequest", str(why))
            if verb == "watch":
                return self._watch(exchange, resource, shape, matches)
            return api_lists.answer(self, exchange, api_lists.Asked(resource, shape, matches))
        finally:
            entry[4] = exchange.status

    def _exists(self, found):
        kind = KINDS.get(found["resource"])
        return kind and found["resource"] not in self.absent and (found["group"] or "") == kind.group and \
            (not kind.group or found["shape"] in self.slices)

    def _refused(self, exchange, resource, verb):
        given = exchange.headers.get("authorization", "")
        user = exchange.user_by_certificate() or "system:anonymous"
        if given:
            user = self.tokens.get(given.removeprefix("Bearer "))
            if user is None:
                exchange.refuse(401, "Unauthorized", "Unauthorized")
                return True
        kind = KINDS.get(resource)
        if not kind or (user != "system:anonymous" and (verb, resource) not in self.denied):
            return False
        group = {"group": kind.group} if kind.group else {}
        where = f"{resource}.{kind.group}" if kind.group else resource
        exchange.refuse(403, "Forbidden", (
            f'{where} is forbidden: User "{user}" cannot {verb} resource "{resource}" in API group '
            f'"{kind.group}" at the cluster scope'), {**group, "kind": resource})
        return True

    def _discovery(self, exchange):
        group = [{"groupVersion": f"discovery.k8s.io/{v}", "version": v} for v in self.slices]
        if exchange.path == "/version":
            return exchange.respond(200, {"major": "1", "minor": "30", "gitVersion": "v1.30.0"})
        if exchange.path == "/apis/discovery.k8s.io" and group:
            return exchange.respond(200, {"kind": "APIGroup", "apiVersion": "v1", "name": "discovery.k8s.io",
                                          "versions": group, "preferredVersion": group[0]})
        return self._not_found(exchange)

    def _not_found(self, exchange):
        exchange.refuse(404, "NotFound", "the server could not find the requested resource", {})

    def refuse_too_large(self, exchange, wanted, current):
        exchange.refuse(504, "Timeout", f"Timeout: Too large resource version: {wanted}, current: {current}", {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1}, [("Retry-After", 1)])

    def fresh(self, exchange, resource, version):
        """Waits for the cache to reach `version`; false where it was refused."""
        deadline = time.monotonic() + self.fresh_wait
        while self.version_of(resource) < version:
            if time.monotonic() > deadline:
                self.refuse_too_large(exchange, version, self.version_of(resource))
                return False
            time.sleep(0.01)
        return True

    def refuse_invalid(self, exchange, field, why):
        exchange.refuse(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {why}', {
            "group": "meta.k8s.io", "kind": "ListOptions",
            "causes": [{"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": field}]})

    # Watches

    def _watch(self, exchange, resource, shape, matches):
        params = exchange.params
        asked, initial = params.get("resourceVersion", ""), params.get("sendInitialEvents") == "true"
        if not self.streaming and "resourceVersionMatch" in params:
            return self.refuse_invalid(exchange, "resourceVersionMatch",
                                       "resourceVersionMatch is forbidden for watch")
        if initial and params.get("resourceVersionMatch") != "NotOlderThan":
            return self.refuse_invalid(exchange, "resourceVersionMatch",
                                 "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        initial = initial and self.streaming
        if initial and asked and not self.fresh(exchange, resource, int(asked)):
            return None
        watch = Watch(exchange, resource, shape, matches, int(asked or 0))
        try:
            exchange.head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
            with self.store.lock:
                self._start(watch, initial)
            return watch.wait(float(params.get("timeoutSeconds") or 1800))
        finally:
            with self.store.lock:
                if watch in self.watches:
                    self.watches.remove(watch)
            watch.dispose()

    def _start(self, watch, initial):
        """What a new watch is told first; under the store's lock, so that nothing is missed."""
        entries = (self.cache[1] if self.cache else self.store.objects)[watch.resource]
        if initial or watch.version == 0:
            watch.version = self.version_of(watch.resource)
            for entry in entries.values():
                if not watch.matches or watch.matches(entry.object):
                    watch.send(f'{{"type":"ADDED","object":{entry.watch_text(watch.shape)}}}\n'.encode())
            if initial:
                watch.bookmark(initial_events_end=True)
        elif watch.version < self.store.compacted:
            watch.too_old(self.store.compacted)
            if self.too_old_closes:
                watch.end()
            return
        else:
            until = self.cache[0] if self.cache else self.store.version
            for event in self.store.since(watch.version):
                if event.resource == watch.resource and event.version <= until:
                    watch.deliver(event)
        self.watches.append(watch)


KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "{url}", certificate-authority: {ca}}}}}]
users: [{{name: test, user: {{token: {token}}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
current-context: test
"""


def kubeconfig(server, token="token-1"):
    return KUBECONFIG.format(url=server.url, ca=server.certificates / "ca.crt", token=token)


def main():
    import api_store
    import cluster
    from api_certificates import Certificates
    store = api_store.Store(endpoints=True)
    store.put("namespaces", {"metadata": {"name": "prod"}})
    store.put("services", cluster.service("web", "10.96.1.1"))
    store.put("services", cluster.service("db"))
    store.put("endpointslices", cluster.endpoint_slice("db-1", "db", ["10.244.2.10", "10.244.2.11"]))
    with Certificates() as certificates, Server(store, certificates) as server:
        file = pathlib.Path(sys.argv[1]) / "kubeconfig"
        file.write_text(kubeconfig(server))
        print(f"{server.url}, kubeconfig {file}", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
