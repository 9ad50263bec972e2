"""Runs a DNS server that is not ours, in a folder of its own, on a free port of loopback.

Unbound forwards what it validates, dnsmasq what it is told; Knot signs zones and answers from them.
NSD has a module of its own.
"""
import pathlib
import shutil
import subprocess
import tempfile

import wire
from harness import Skip, check, end, free_port, until


class Daemon:
    """`program` is run by `start()` of a subclass; `probe` is a query that it answers once it is up."""

    def __init__(self, program, probe):
        self.program, self.probe = program, probe
        self.address, self.port = "127.0.0.1", free_port()

    def arguments(self):
        """Writes what the program reads into self.folder; its arguments."""
        raise NotImplementedError

    def __enter__(self):
        path = shutil.which(self.program)
        if not path:
            raise Skip(f"{self.program} is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"keryx-{self.program}-"))
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([path, *self.arguments()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder)
        try:
            until(lambda: self.process.poll() is not None or self.answers(), self.program, 20)
            check(self.process.poll() is None, f"{self.program} ended: {(self.folder / 'log').read_text()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def answers(self):
        reply = wire.ask_udp(self.address, self.port, self.probe, 0.5)
        return reply and wire.parse(reply).rcode == 0

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class Knot(Daemon):
    """Signs `zone`, whose file is `text`, and lets loopback transfer it."""

    def __init__(self, zone, text):
        super().__init__("knotd", wire.query(zone, 48, flags=0))  # DNSKEY: it has been signed
        self.zone, self.text = zone, text

    def arguments(self):
        (self.folder / "zone").write_text(self.text)
        (self.folder / "knot.conf").write_text(f"""
server:
    rundir: "{self.folder}"
    listen: {self.address}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    nsid: "knot"
log:
  - target: stderr
    any: info
database:
    storage: "{self.folder}"
acl:
  - id: loopback
    address: 127.0.0.0/8
    action: transfer
policy:
  - id: signed
    algorithm: ecdsap256sha256
    nsec3: on
    nsec3-iterations: 0
zone:
  - domain: {self.zone}
    file: "{self.folder}/zone"
    dnssec-signing: on
    dnssec-policy: signed
    acl: loopback
""")
        return ["-c", str(self.folder / "knot.conf")]

    def answers(self):
        reply = wire.ask_udp(self.address, self.port, self.probe, 0.5)
        return reply and wire.parse(reply).answer


class Unbound(Daemon):
    """Asks the servers of `zone` on `ports` of loopback, validates by `anchors` (DNSKEY records as text)."""

    def __init__(self, zone, ports, anchors=()):
        super().__init__("unbound", wire.query(zone, "SOA"))
        self.zone, self.ports, self.anchors = zone, ports, anchors

    def arguments(self):
        servers = "\n".join(f"    stub-addr: 127.0.0.1@{port}" for port in self.ports)
        trust = "\n".join(f'    trust-anchor: "{anchor}"' for anchor in self.anchors)
        (self.folder / "unbound.conf").write_text(f"""
server:
    interface: {self.address}@{self.port}
    directory: "{self.folder}"
    chroot: ""
    username: ""
    pidfile: ""
    logfile: ""
    use-syslog: no
    num-threads: 1
    do-ip6: no
    do-not-query-localhost: no
    aggressive-nsec: no
    minimal-responses: no
    access-control: 127.0.0.0/8 allow
{trust}
stub-zone:
    name: "{self.zone}"
    stub-prime: no
{servers}
remote-control:
    control-enable: no
""")
        return ["-d", "-c", str(self.folder / "unbound.conf")]


class Dnsmasq(Daemon):
    """Forwards to one server, believes its AD bit, keeps nothing."""

    def __init__(self, zone, upstream):
        super().__init__("dnsmasq", wire.query(zone, "SOA"))
        self.upstream = upstream

    def arguments(self):
        return ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=",
                "--bind-interfaces", f"--listen-address={self.address}", f"--port={self.port}", "--pid-file=",
                "--cache-size=0", "--proxy-dnssec", "--edns-packet-max=1232", "--log-facility=-",
                f"--server={self.upstream.address}#{self.upstream.port}"]
