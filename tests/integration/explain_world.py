"""What the suite `explain` explains: a copy of examples/kubia to be changed, and a tunnel into a network namespace."""
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import tempfile
import threading

from harness import check, equal
from keryx import run_to_end
from namespace import inside
from tunnel import Tunnel
from upstream import reply

COREFILE = """. {{
    bind 127.0.0.1
    {status}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        manifests cluster
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }}
    forward . 127.0.0.1:{upstream} {{
        max_fails 0
    }}
}}
"""
UNREADY = ("Pod default/kubia-headless-7c9d8f6b5d-x4d2c (10.0.2.4) is not ready, so it is not in the Service "
           "default/kubia-headless: Ready is False.")
CURE = ("Mend what keeps it from being ready: kubectl -n default describe pod kubia-headless-7c9d8f6b5d-{} shows the "
        "probe and its failures.")
FOUND = """kubia A, asked by a pod of the namespace default: found

Names tried
  search default.svc.cluster.local. svc.cluster.local. cluster.local., ndots:5
  > kubia.default.svc.cluster.local.  NOERROR, 1 record  .:53 kubernetes
    kubia.svc.cluster.local.          not asked
    kubia.cluster.local.              not asked
    kubia.                            not asked

Service default/kubia
  type                      ClusterIP
  cluster IPs               10.66.13.240
  ports                     http-default 80/TCP -> 8080
                            http-mux1 90/TCP -> 8090
  selector                  app=kubia
  publishNotReadyAddresses  false
  EndpointSlice kubia-r7c5n (IPv4), ports http-default 8080/TCP, http-mux1 8090/TCP
    in  10.0.1.23: ready (ready, serving, Pod kubia-7c9d8f6b5d-4gxq2)
    in  10.0.2.13: ready (ready, serving, Pod kubia-7c9d8f6b5d-h2k8m)
    in  10.0.2.14: ready (ready, serving, Pod kubia-7c9d8f6b5d-z7v5t)

Message
  ;; status: NOERROR, flags: qr aa rd ra
  ;kubia.default.svc.cluster.local. IN A
  kubia.default.svc.cluster.local. 30 IN A 10.66.13.240

Findings
  note:    10.66.13.240 is the cluster IP of the Service default/kubia: it answers on the ports of the Service alone \
(http-default 80/TCP and http-mux1 90/TCP), and no ping.
     cure: Test a port instead of ping: nc -zv kubia.default 80
"""


class Kubia:
    """A copy of the example, to be changed."""

    def __init__(self, t, upstream, status=""):
        self.t = t
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keryx-explain-"))
        shutil.copytree(t.root / "examples/kubia/cluster", self.folder / "cluster")
        self.corefile = self.folder / "Corefile"
        self.corefile.write_text(COREFILE.format(upstream=upstream, status=status))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def change(self, file, before, after):
        path = self.folder / "cluster" / file
        text = path.read_text()
        check(before in text, f"{file} has no {before!r}")
        beside = path.with_suffix(".new")
        beside.write_text(text.replace(before, after))
        beside.rename(path)

    def text(self, *args):
        """(exit status, output)"""
        status, out, err = run_to_end(self.t, ["explain", *args, "-conf", str(self.corefile)], seconds=30)
        equal(err, "", "standard error")
        return status, out

    def json(self, *args):
        status, out = self.text(*args, "-o", "json")
        said = json.loads(out)
        equal(status, 0 if said["found"] else 1, "exit status")
        return said


def silent_of_httpbin(query, tcp):
    """An upstream that says nothing of httpbin.org, and NXDOMAIN of the rest: what the harness asks as well."""
    return None if "httpbin" in query.questions[0][0] else reply(query, rcode=3)


def findings(said):
    """[(code, cause, cure)]"""
    return [(x["code"], x["cause"], x["cure"]) for x in said["findings"]]


def unready(kubia):
    """One more pod of kubia-headless is not ready, and says why."""
    kubia.change("endpointslices.yaml", """    - 10.0.0.8
    conditions:
      ready: true
      serving: true""", """    - 10.0.0.8
    conditions:
      ready: false
      serving: false""")
    kubia.change("pods.yaml", """  status:
    conditions:
    - status: "True"
      type: Ready
    hostIP: 10.1.0.10
    phase: Running
    podIP: 10.0.0.8
""", """  status:
    conditions:
    - status: "False"
      type: Ready
      reason: ContainersNotReady
      message: "containers with unready status: [main]"
    containerStatuses:
    - name: main
      ready: false
      state: {running: {startedAt: "2026-01-05T08:00:00Z"}}
    hostIP: 10.1.0.10
    phase: Running
    podIP: 10.0.0.8
""")


class NetnsTunnel(Tunnel):
    """Listens on loopback of a network namespace, and connects outside."""

    def __init__(self, port, to_port, netns):  # netns: a Namespace
        super().__init__(port, to_port)
        self.netns = netns

    def open(self):
        self._listening = inside(self.netns, lambda: socket.create_server(("127.0.0.1", self.port)))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path)
        got = connection.getresponse()
        return got.status, got.read().decode()
