"""The role of examples/kubernetes before a real API server: with it Keryx lists, answers and follows; with any part of
it taken away it does not, and says what it lacks."""
from deploy_objects import built, one, permissions, rendered, with_component
from harness import check, equal, until
from keryx import Keryx
from kubernetes_world import DEMO, KUBECONFIG, at, has
from model_dns import A, SERVFAIL, Asker

NEEDED = {(verb, group, resource) for verb in ("list", "watch")
          for group, resource in (("", "services"), ("", "namespaces"), ("discovery.k8s.io", "endpointslices"))}
PODS = {("list", "", "pods"), ("watch", "", "pods")}
COREFILE = """
. {
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig kubeconfig
        startup_timeout %s
        pods %s
        ttl 30
    }
}
"""


class Account:
    """A ServiceAccount with a role of its own, and a keryx that has its token."""

    def __init__(self, t, plane, name, granted, pods="insecure"):
        self.t, self.plane, self.name, self.pods = t, plane, name, pods
        meta = {"name": name, "namespace": "kube-system"}
        self.objects = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
             "rules": [{"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                       for verb, group, resource in sorted(granted)]},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
             "subjects": [{"kind": "ServiceAccount", **meta}]}]
        self.granted = granted

    def wait_until_granted(self):
        """The authorizer learns of a role a moment after it was made, in the order in which roles were made."""
        user = f"system:serviceaccount:kube-system:{self.name}"
        for permission in sorted(self.granted):
            until(lambda: self.plane.may(*permission, user=user), f"{permission} for {self.name}", 10 * self.t.slack)

    def keryx(self, startup="5s"):
        config = KUBECONFIG.format(port=self.plane.port, ca=self.plane.pki("ca.crt"), token="token")
        return Keryx(self.t, COREFILE % (startup, self.pods),
                     {"kubeconfig": config, "token": self.plane.token("kube-system", self.name)})


def answers(k, questions, seconds):
    asker = Asker(k.address, k.port)
    for question, want in questions:
        until(lambda: asker.ask(*question) == want, f"{question[0]}, which is {asker.ask(*question)}; {k.output()}", seconds)


def run(t, plane):
    with t.case("the roles of base and of pods-verified are what is listed here"):
        equal(permissions(one(built(t, "base"), "ClusterRole")), NEEDED, "base")
        equal(permissions(one(with_component(t, "pods-verified"), "ClusterRole")), NEEDED | PODS, "pods-verified")
    with t.case("the chart's role is the same, by what its Corefile says of pods"):
        values = {"corefile": ". {\n    kubernetes cluster.local {\n        pods verified\n    }\n}\n"}
        equal(permissions(one(rendered(t), "ClusterRole")), NEEDED, "chart")
        equal(permissions(one(rendered(t, values), "ClusterRole")), NEEDED | PODS, "chart, pods verified")
    base = [x for x in built(t, "base") if x["kind"] in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")]
    plane.apply(*base)
    coredns = Account(t, plane, "coredns", NEEDED)
    coredns.wait_until_granted()
    with t.case("sufficient: with the ServiceAccount and the role of base it lists, answers and follows"), \
            coredns.keryx() as k:
        answers(k, [x for x in DEMO if ".pod." not in x[0][0]], 20 * t.slack)
        plane.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "new", "namespace": "default"},
                     "spec": {"clusterIP": "10.66.14.77", "ports": [{"port": 80}]}})
        answers(k, [((at("new"), A), has("10.66.14.77"))], 10 * t.slack)
        plane.delete("service", "new")
        check(not [x for x in k.lines if "(403)" in x], k.output())
    minimal(t, plane)


def minimal(t, plane):
    """Each permission, and each resource, taken away: it says what it lacks, and without a resource it is not synced."""
    lists = plane.minor() < 27  # later ones list by a watch, and by list only for the audit
    cases = [(verb, group, resource) for verb, group, resource in sorted(NEEDED) if verb == "watch" or lists]
    accounts = [Account(t, plane, f"without-{verb}-{resource}", NEEDED - {(verb, group, resource)})
                for verb, group, resource in cases]
    whole = sorted({(group, resource) for _, group, resource in NEEDED})
    accounts += [Account(t, plane, f"without-{resource}", {x for x in NEEDED if x[2] != resource}) for _, resource in whole]
    verified = [Account(t, plane, "verified", NEEDED | PODS, "verified"),
                Account(t, plane, "verified-without", NEEDED, "verified")]
    plane.apply(*(x for account in accounts + verified for x in account.objects))
    verified[-1].wait_until_granted()
    for (verb, _, resource), account in zip(cases, accounts):
        with t.case(f"minimal: without {verb} on {resource} it says so"), account.keryx("100ms") as k:
            _says(k, "(403)", f'verb "{verb}"', f'resource "{resource}"')
    for (_, resource), account in zip(whole, accounts[len(cases):]):
        with t.case(f"minimal: without {resource} names that need them are SERVFAIL"), account.keryx("100ms") as k:
            _says(k, "(403)", f'resource "{resource}"')
            equal(Asker(k.address, k.port).ask(at("kubia-headless"), A)[0], SERVFAIL, "kubia-headless")
    pod = (("10-0-0-8.default.pod.cluster.local", A), has("10.0.0.8"))
    with t.case("pods verified: sufficient with the rule of the component"), verified[0].keryx() as k:
        answers(k, [pod], 20 * t.slack)
    with t.case("pods verified: not without it"), verified[1].keryx("100ms") as k:
        _says(k, "(403)", 'resource "pods"')
        equal(Asker(k.address, k.port).ask(*pod[0])[0], SERVFAIL, "a pod")


def _says(k, *words):
    """Waits for a line with all of the words."""
    until(lambda: any(all(word in line for word in words) for line in k.lines), f"a message with {words}", 20 * k.t.slack)
