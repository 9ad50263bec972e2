"""The large cluster behind an API server: what events cost those who ask, and what it takes in memory."""
import contextlib
import socket
import ssl
import threading
import time

import big_cluster
import clusters
import wire
from api_certificates import Certificates
from harness import check, until
from rounds import Contender, Outcome, alternate, ratio
from scale_server import ScaleServer

SERVICES, ENDPOINTS = 10_000, 100_000
EACH = ENDPOINTS // SERVICES
EVENTS_A_SECOND = 200
# The API server's thread, which shares the load's CPU, starts as many events in both phases.
DECOY = "decoy"


@contextlib.contextmanager
def large_cluster(bench):
    """The API server, and keryx when it has read everything."""
    with Certificates() as certificates:
        server = ScaleServer(certificates, SERVICES, ENDPOINTS, compress=False, stream=False)
        folder = certificates.folder
        source = (f"endpoint https://127.0.0.1:{server.port}\n"
                  f"       tls {folder}/client.crt {folder}/client.key {folder}/ca.crt")
        keryx = bench.kubeadm(clusters.qname(*big_cluster.names(1)), bench.upstream(), source=source)
        until(lambda: len(server.watches) == 3, "all watches", 30)
        yield server, keryx


class Decoy:
    """A connection like a watch's, whose other end throws away what comes, undeciphered."""

    def __init__(self, server):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = socket.create_connection(listener.getsockname())
            accepted, _ = listener.accept()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        ends = []
        thread = threading.Thread(target=lambda: ends.append(context.wrap_socket(client)))
        thread.start()
        server.watches[DECOY] = server.context.wrap_socket(accepted, server_side=True)
        thread.join()
        self.raw, self.buffer = socket.socket(fileno=ends[0].detach()), bytearray(1 << 16)

    def discard(self):
        with contextlib.suppress(BlockingIOError):
            self.raw.recv_into(self.buffer, 0, socket.MSG_TRUNC | socket.MSG_DONTWAIT)


class Events:
    """Changed EndpointSlices, each of another Service and with a fresh address."""

    def __init__(self, version):
        self.version, self.made, self.last = version, 0, None

    def make(self, count):
        return [self._next() for _ in range(count)]

    def _next(self):
        self.made += 1
        self.version += 1
        index = self.made * 7 % SERVICES
        self.last = f"10.{240 + self.made // 62500}.{self.made // 250 % 250}.{self.made % 250 + 1}"
        addresses = [self.last] + [big_cluster.pod_ip(index * EACH + k) for k in range(1, EACH)]
        return big_cluster.event("EndpointSlice", "discovery.k8s.io/v1", "MODIFIED",
                                 big_cluster.slice_of(index, self.version, addresses))


def send_all(server, plural, events, decoy, rates):
    began = due = time.monotonic()
    for event in events:
        server.send(plural, event)
        if plural == DECOY:
            decoy.discard()
        due += 1 / EVENTS_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
    rates.append(len(events) / (time.monotonic() - began))


def churn(bench):
    lines = [f"{clusters.qname(*big_cluster.names(i))} A" for i in range(SERVICES)]
    clusters.write_lines(bench.folder, "questions.txt", lines)
    out = Outcome(f"A of {SERVICES} Services with {ENDPOINTS} endpoints, while {EVENTS_A_SECOND} EndpointSlices a "
                  "second change, and while none does")
    with large_cluster(bench) as (server, keryx):
        decoy, events, rates = Decoy(server), Events(server.version), []

        def phase(plural):
            made = events.make(round(EVENTS_A_SECOND * bench.seconds))
            thread = threading.Thread(target=send_all, args=(server, plural, made, decoy, rates))
            thread.start()
            result = bench.load(keryx, "questions.txt")
            thread.join()
            if plural != DECOY:
                query = wire.query(clusters.reverse(events.last) + ".", "PTR")
                until(lambda: wire.parse(wire.ask_udp("127.0.0.1", keryx.port, query)).answer, "the last event", 5)
            return result
        quiet = Contender("quiet", lambda: phase(DECOY), keryx.memory)
        churning = Contender("churning", lambda: phase("endpointslices"), keryx.memory)
        alternate([quiet, churning], bench.rounds)
        check(len(server.watches) == 4, "a watch has ended")
    out.take([quiet, churning])
    out.value("events a second, at least", min(rates))
    out.value("churning / quiet, CPU", ratio(churning, quiet))
    out.least("churning / quiet, rate", ratio(churning, quiet, "rate"), 0.97)
    return out
