"""What the Corefiles of distributions expect around them, made of network namespaces. Needs root.

`with World(t) as w:` a node, on which the server runs with files of its own under /etc and
/var/run/secrets, and an outside with name servers at the addresses that the files name. The node has an
API server with a small cluster. `with w.node():` the calling thread's sockets are the node's.
"""
import contextlib
import http.client
import os
import pathlib
import shutil
import subprocess
import tempfile

import cluster
import wire
from api_certificates import Certificates
from api_server import Server
from api_store import Store
from harness import Skip, check, until
from keryx import Keryx
from namespace import Namespace, entered
from upstream import Upstream, reply

NODE = "10.0.0.9"
RESOLVERS = "10.0.0.53", "10.0.0.54"  # of the node's resolv.conf
# Name servers, by the address that a Corefile has for them; each answers with a mark of its own.
SERVERS = [*RESOLVERS, "10.96.0.11", "10.96.0.10", "1.1.1.1", "1.2.3.4", "2.3.4.5", "192.11.0.1",
           "168.63.129.16", "10.0.0.10", "fd00:ec2::253"]
MARK = {address: f"198.51.100.{number}" for number, address in enumerate(SERVERS, 1)}
UPSTREAM_TTL = 3000
# Over the folders that every machine has, so that nothing is left on this one.
ENTER = ('mount -t tmpfs none /var/run && mount -t tmpfs none /etc && cp -r "$0"/etc /'
         ' && mkdir -p /var/run/secrets/kubernetes.io && cp -r "$0"/serviceaccount /var/run/secrets/kubernetes.io'
         ' && exec "$@"')


def named(address):
    """The answers of the name server at `address`: its mark for every name but nope.*; short.* expires soon."""
    def answer(query, tcp):
        qname, qtype, _ = query.questions[0]
        soa = wire.record(".", "SOA", 1, 60, wire.name("a.") + wire.name("b.") + bytes(16) + b"\0\0\0\x3c")
        if qname.lower().startswith("nope."):
            return reply(query, soa, authority=1, rcode=wire.NXDOMAIN)
        if qtype != wire.TYPES["A"]:
            return reply(query, soa, authority=1)
        mark = bytes(int(x) for x in MARK[address].split("."))
        ttl = 1 if qname.startswith("short.") else UPSTREAM_TTL
        return reply(query, wire.record(wire.name(qname), "A", 1, ttl, mark), 1)
    return answer


def fill(store):
    for name in ("default", "kube-system", "prod"):
        store.put("namespaces", {"metadata": {"name": name}, "spec": {}, "status": {"phase": "Active"}})
    store.put("services", cluster.service("kubernetes", "10.96.0.1", (("https", 443),), "default"))
    store.put("services", cluster.service("db"))
    store.put("endpointslices", cluster.endpoint_slice("db-1", "db", ["10.244.2.10", "10.244.2.11"]))
    store.put("services", cluster.external("outside", "www.example.org"))


class World:
    def __init__(self, t):
        self.t, self.servers = t, {}
        self.stack, self.outside_stack = contextlib.ExitStack(), contextlib.ExitStack()

    def __enter__(self):
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.servers:
            with entered(self.outside_space.name):
                self.outside_stack.close()
        self.stack.close()

    def _set_up(self):
        resolv_conf = "".join(f"nameserver {x}\n" for x in RESOLVERS)
        self.node_space = self.stack.enter_context(Namespace([], resolv_conf))
        self.outside_space = self.stack.enter_context(Namespace([], ""))
        self._join()
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="keryx-node-")))
        certificates = self.stack.enter_context(Certificates())
        account = self.folder / "serviceaccount"
        account.mkdir()
        (account / "token").write_text("token-1")
        shutil.copy(certificates / "ca.crt", account)
        (self.folder / "etc").mkdir()
        (self.folder / "etc/resolv.conf").write_text(resolv_conf)
        tried = self.node_space.run("unshare", "-m", "sh", "-c", ENTER, str(self.folder), "true", ok=False)
        if tried.returncode:
            raise Skip(f"no mounts in namespaces here: {tried.stderr.strip()}")
        self.store = Store()
        fill(self.store)
        with self.node():
            self.api = self.stack.enter_context(Server(self.store, certificates))
        with entered(self.outside_space.name):
            for address in SERVERS:
                self.servers[address] = self.outside_stack.enter_context(Upstream(named(address), address, 53))

    def _join(self):
        """The outside has every address that is not the node's."""
        node, outside = self.node_space, self.outside_space
        node.run("ip", "link", "set", "pod1", "netns", outside.name, "name", "out0")
        outside.run("ip", "link", "set", "out0", "up")
        for space, link in (node, "pod0"), (outside, "out0"):
            if space is node:
                space.run("ip", "address", "add", f"{NODE}/32", "dev", link)
                space.run("ip", "address", "add", "fd00::9/128", "dev", link, "nodad")
            space.run("ip", "route", "add", "default", "dev", link,
                      *(["src", NODE] if space is node else []))
            space.run("ip", "-6", "route", "add", "default", "dev", link)
        for address in SERVERS:
            outside.run("ip", "address", "add", address, "dev", "out0", *(["nodad"] if ":" in address else []))

    def node(self):
        return entered(self.node_space.name)

    @contextlib.contextmanager
    def addresses(self, *addresses):
        """The node has these too, as a dummy link of NodeLocal DNSCache would give them to it."""
        for address in addresses:
            self.node_space.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        try:
            yield
        finally:
            for address in addresses:
                self.node_space.run("ip", "address", "del", f"{address}/32", "dev", "lo")

    @contextlib.contextmanager
    def serving(self, corefile, files=None, etc=None, port=53, address="127.0.0.1", cluster_zone=True):
        """The server with that Corefile; `files` lie beside it, `etc` below /etc. Its end is no case: most
        of these files have a lameduck, which others test."""
        for file, text in (etc or {}).items():
            path = self.folder / "etc" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for server in self.servers.values():
            server.asked.clear()
        env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.api.port)}
        k = Keryx(self.t, corefile, files, args=("-workers", "1"), netns=self.node_space.name, env=env,
                  prefix=("unshare", "-m", "sh", "-c", ENTER, str(self.folder)))
        k.stopped = True
        on = Node(self, k, address, port)
        try:
            with k:
                probe = ("kubernetes.default.svc.cluster.local.", "A") if cluster_zone else ("a.example.", "A")
                until(lambda: (r := on.ask(*probe, timeout=0.5)) and r.rcode == 0,
                      f"a first answer; {k.output()}", 20 * self.t.slack)
                yield on
                check(k.alive(), f"it ended: {k.output()}")
                check(not k.complaints(), "\n  ".join(k.complaints()[:2]))
        finally:
            k.kill()
            for file in etc or {}:
                (self.folder / "etc" / file).unlink()

    def refused(self, corefile):
        """What the server says to a Corefile with which it does not start."""
        path = self.folder / "Corefile"
        path.write_text(corefile)
        done = self.node_space.run(*self.t.command, "-conf", str(path), ok=False)
        check(done.returncode == 1, f"status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stderr

    def asked(self, address, qname):
        """How the name server at `address` was asked for a name: "udp" or "tcp" for each time."""
        return ["tcp" if tcp else "udp" for name, _, tcp in list(self.servers[address].asked)
                if name.lower() == qname]


class Node:
    """The server on the node, and who asks it."""

    def __init__(self, world, k, address, port):
        self.world, self.k, self.address, self.port = world, k, address, port

    def ask(self, qname, qtype="A", at=None, tcp=False, timeout=5.0, **kwargs):
        """The parsed reply, or None."""
        ask = wire.ask_tcp if tcp else wire.ask_udp
        with self.world.node():
            octets = ask(at or self.address, self.port, wire.query(qname, qtype, **kwargs), timeout)
        return None if octets is None else wire.parse(octets)

    def said(self, *words):
        """Lines of the server with all the words."""
        return [line for line in list(self.k.lines) if all(word in line for word in words)]

    def get(self, address, port, path):
        """(status, text) of an HTTP endpoint; (None, why) without a connection."""
        with self.world.node():
            connection = http.client.HTTPConnection(address, port, timeout=5)
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError as error:
                return None, str(error)
            finally:
                connection.close()


def shipped():
    """The folder of the files."""
    folder = os.environ.get("KERYX_COREFILES")
    if not folder:
        raise Skip("KERYX_COREFILES names no folder")
    return pathlib.Path(folder)
