"""examples/kubernetes: what a user applies is taken by a real API server; the chart renders the same; the Corefile and
the probes of the pods work. The role: deploy_rbac.py, compare.sh: deploy_compare.py, NodeLocal: deploy_nodelocal.py."""
import copy
import json
import re
import shutil

import cluster
import deploy_compare
import deploy_nodelocal
import deploy_rbac
from control_plane import ControlPlane
from deploy_objects import ALL_VALUES, built, execute, filled, folder, one, render, rendered
from harness import Skip, check, equal, until
from keryx import Keryx
from namespace import Namespace

FOLDERS = ("base", "overlays/availability", "overlays/hpa", "overlays/proportional", "beside-coredns")


# The API server takes them

def older(objects, minor, served):
    """The same for an API server that lacks a version or field; what was changed is said."""
    objects, changed = copy.deepcopy(objects), set()
    for x in objects:
        for group, new, old in (("policy", "v1", "v1beta1"), ("autoscaling", "v2", "v2beta2")):
            if x["apiVersion"] == f"{group}/{new}" and f"{group}/{new}" not in served:
                x["apiVersion"] = f"{group}/{old}"
                changed.add(f"{x['kind']} {group}/{new} as {old}")
        if x["kind"] == "DaemonSet" and minor < 22:
            x["spec"]["updateStrategy"]["rollingUpdate"] = {"maxUnavailable": "10%"}
            changed.add("DaemonSet without maxSurge")
    return objects, changed


def dry_run(plane, objects):
    """The names of what was taken. The server judges the fields; kubectl need not fetch the schema to do it, too."""
    listing = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return plane.kubectl("apply", "--server-side", "--dry-run=server", "--validate=false", "-o", "name", "-f", "-",
                         text=listing).split()


def taken(t, plane):
    served, minor = plane.kubectl("api-versions").split(), plane.minor()

    def takes(objects):
        objects, changed = older(objects, minor, served)
        equal(len(dry_run(plane, objects)), len(objects), "objects taken")
        if changed:
            print(f"   deploy: on 1.{minor}: {', '.join(sorted(changed))}", flush=True)
    for name in FOLDERS:
        with t.case(f"server-side dry run: {name}"):
            takes(built(t, name))
    for mode in ("iptables", "ipvs"):
        with t.case(f"server-side dry run: nodelocal, filled for {mode}"):
            objects = filled(t, "--mode", mode, "--dns-ip", "10.66.0.10")
            check("__PILLAR__" not in json.dumps(objects), "a name was not filled")
            takes(objects)
    for name, values in (("defaults", {}), ("hpa", {**ALL_VALUES, "hpa": {"enabled": True}}),
                         ("autoscaler", {**ALL_VALUES, "autoscaler": {"enabled": True}})):
        with t.case(f"server-side dry run: the chart, {name}"):
            takes(rendered(t, values))
    with t.case("the dry run refuses a field that is misspelt"):
        objects = built(t, "base")
        one(objects, "Deployment")["spec"]["template"]["spec"]["priorityClasName"] = "x"
        try:
            dry_run(plane, objects)
        except AssertionError as why:
            check("priorityClasName" in str(why), str(why))
        else:
            raise AssertionError("it was taken")


# Chart

def chart(t):
    with t.case("the chart refuses what it has no meaning for, by name"):
        for values, word in (({"zoneFiles": []}, "zoneFiles"), ({"preStopSleep": 5}, "preStopSleep"),
                             ({"servers": [{"zones": [{"scheme": "tls://"}], "plugins": []}]}, "tls://"),
                             ({"hpa": {"enabled": True}, "autoscaler": {"enabled": True}}, "autoscaler"),
                             ({"replicaCount": "many"}, "replicaCount")):
            done = render(t, values, ok=False)
            check(done.returncode != 0 and word in done.stderr, f"{values}: {done.returncode} {done.stderr}")
    with t.case("a release of CoreDNS's chart can be upgraded in place: the selectors are its own"):
        deployment = one(rendered(t, {"nameOverride": "coredns"}), "Deployment")
        equal((deployment["metadata"]["name"], deployment["spec"]["selector"]["matchLabels"]), ("coredns", {
            "app.kubernetes.io/instance": "coredns", "app.kubernetes.io/name": "coredns", "k8s-app": "coredns"}))
    with t.case("several servers: each zone with its port, each port once"):
        objects = rendered(t, {"servers": [{"port": 1053, "zones": [{"zone": "a."}, {"zone": "b.", "scheme": "dns://"}],
                                            "plugins": [{"name": "whoami"}]}] * 2})
        check("a.:1053 dns://b.:1053 {\n    whoami\n}" in one(objects, "ConfigMap")["data"]["Corefile"], str(objects))
        equal([x["port"] for x in one(objects, "Service")["spec"]["ports"]], [1053, 1053], "UDP and TCP")
    if shutil.which("helm"):
        with t.case("helm lint"):
            execute("helm", "lint", "--strict", folder(t) / "chart")


# A pod as the manifests describe it, in a network namespace: port 53, the Corefile, the kubelet's probes

def pod(t, name, objects):
    with t.case(f"{name}: the Corefile as it is on port 53, and the probes of the pod"), \
            Namespace(["10.244.0.2/24"], "nameserver 10.244.0.99\n") as ns:
        corefile = one(objects, "ConfigMap")["data"]["Corefile"].replace(
            "in-addr.arpa ip6.arpa {", "in-addr.arpa ip6.arpa {\n manifests objects.json", 1)
        corefile = re.sub(r"lameduck \d+s", "lameduck 100ms", corefile)
        container = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        ports = {x["name"]: x["containerPort"] for x in container["ports"]}
        equal(container["args"], ["-conf", "/etc/coredns/Corefile"])
        with Keryx(t, corefile, {"objects.json": cluster.OBJECTS}, args=(), netns=ns.name):
            for probe in ("readinessProbe", "livenessProbe"):
                get = container[probe]["httpGet"]
                url = f"http://10.244.0.2:{ports.get(get['port'], get['port'])}{get['path']}"
                until(lambda: ns.run("curl", "-sf", url, ok=False).returncode == 0, f"{probe} {url}", 10 * t.slack)
            equal(ns.out("dig", "+short", "@10.244.0.2", cluster.SERVICE).split(), ["10.96.1.1"])
            metrics = ns.out("curl", "-sf", f"http://10.244.0.2:{ports['metrics']}/metrics")
            check("coredns_dns_requests_total{" in metrics, metrics)


def links(t):
    with t.case("the pages name files that exist"):
        for page in sorted(folder(t).rglob("*.md")):
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
                check((page.parent / target).exists(), f"{page.name}: {target}")


def before_an_api_server(t):
    try:
        plane = ControlPlane(t.root)
    except Skip as why:
        t.skip("before a real API server", why)
        return
    with plane:
        plane.demo()
        taken(t, plane)
        deploy_rbac.run(t, plane)
        deploy_compare.run(t, plane)


def run(t):
    if not shutil.which("kubectl"):
        raise Skip("kubectl is not installed")
    links(t)
    rendering = True
    with t.case("the chart renders"):
        try:
            render(t)
        except Skip:
            rendering = False
            raise
    pod(t, "base", built(t, "base"))
    if rendering:
        chart(t)
        pod(t, "chart", rendered(t))
    deploy_nodelocal.run(t)
    before_an_api_server(t)
