"""compare.sh of examples/kubernetes: two keryx with what a real API server holds, one of them doctored."""
import copy
import json
import os

from deploy_objects import execute, folder
from harness import check, equal
from keryx import Keryx
from kubernetes_world import at

COREFILE = """
. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests objects.json
        pods insecure
    }
}
"""


class Pair:
    """Two keryx with what the API server holds as manifests, the second one doctored."""

    def __init__(self, t, plane, doctor):
        self.listing = json.loads(plane.kubectl(
            "get", "services,endpoints,endpointslices,namespaces,pods", "--all-namespaces", "-o", "json"))
        other = copy.deepcopy(self.listing)
        doctor({x["metadata"]["name"]: x["spec"] for x in other["items"] if x["kind"] == "Service"})
        self.servers = [Keryx(t, COREFILE, {"objects.json": json.dumps(x)}) for x in (self.listing, other)]
        self.t, self.plane = t, plane

    def __enter__(self):
        for k in self.servers:
            k.__enter__()
        return self

    def __exit__(self, *_):
        for k in self.servers:
            k.__exit__()

    def compare(self, *options):
        """The exit status and the lines."""
        environment = {**os.environ, "KUBECONFIG": str(self.plane.state / "admin.kubeconfig"), "HOME": str(self.plane.state)}
        done = execute(folder(self.t) / "compare.sh", *options, *(f"{k.address}#{k.port}" for k in self.servers), ok=False,
                   env=environment)
        return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


def run(t, plane):
    with Pair(t, plane, lambda services: None) as pair:
        with t.case("compare.sh: the same twice differs nowhere, over UDP and TCP"):
            for options in ((), ("--tcp", "--pods"), ("--limit", "2")):
                status, lines = pair.compare(*options)
                check(status == 0 and ", 0 differences" in lines[-1] and int(lines[-1].split()[0]) > 20, str(lines))
        with t.case("compare.sh: a server that does not answer is not a difference"):
            pair.servers[1].stop()
            status, lines = pair.compare()
            check(status == 2 and "does not answer" in lines[-1], f"{status}: {lines}")

    def doctor(services):
        services["kubia"]["clusterIP"] = "10.66.13.241"
        services["kubia"].pop("clusterIPs", None)
        services["ext"]["externalName"] = "other.example.com"
    with Pair(t, plane, doctor) as pair, t.case("compare.sh: what was changed is found, and nothing else"):
        status, lines = pair.compare("--names", "/dev/null")
        found = {tuple(line.split(":")[0].split()[1:]) for line in lines if line.startswith("DIFFERS")}
        equal((status, found), (1, {(at("kubia"), "A"), ("240.13.66.10.in-addr.arpa", "PTR"), (at("ext"), "A"),
                                    (at("ext"), "AAAA"), (at("ext"), "SRV")}))
        check(not [x for x in lines if x.startswith("known")], str(lines))
