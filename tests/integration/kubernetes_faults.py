"""What a control plane does to its clients: killed, restored, compacted, credentials and rights lost."""
import json
import os
import time

from faults_world import stopped
from harness import check, equal, until
from kubernetes_world import (NODATA, NODES, NXDOMAIN, STABLE, UNREADY, at, endpoints, has, namespace, note,
                              reverse, service)
from model_dns import A, CNAME, SRV

ACCOUNT = {"kind": "ServiceAccount", "name": "keryx", "namespace": "kube-system"}
LONG = os.environ.get("KERYX_LONG") == "yes"
LIST_WATCH = ["list", "watch"]
RULES = [{"apiGroups": [""], "resources": ["services", "endpoints", "pods", "namespaces"], "verbs": LIST_WATCH},
         {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": LIST_WATCH}]
RBAC = [{"apiVersion": "v1", "kind": "ServiceAccount",
         "metadata": {"name": "keryx", "namespace": "kube-system"}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "keryx"},
         "rules": RULES},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
         "metadata": {"name": "keryx"}, "subjects": [ACCOUNT],
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "keryx"}}]


def sees_mirrored(plane, w, address, seconds):
    """`hand` gets the address, and is as the API server has it: the controller that mirrors Endpoints may
    leave an old slice beside the new one when it was cut off."""
    held, answer = [], None

    def agree():
        nonlocal held, answer
        held, answer = plane.ready_addresses("hand"), w.asker.ask(at("hand"), A)
        return answer == has(*held)
    until(lambda: address in plane.ready_addresses("hand"), f"{address} of hand in the API", 60)
    try:
        until(agree, f"{address} of `hand`", seconds * w.t.slack)
    except AssertionError as why:
        raise AssertionError(f"{why}: the API server has {held}, the answer is {answer}; "
                             f"log: {w.k.output()}") from None


def moves(plane, w, number, seconds=10.0):
    """A change of each resource is seen, so that none of the watches is missing."""
    plane.apply(service("moving", f"10.66.17.{number}"), service("hand"), endpoints("hand", f"192.0.2.{number}"),
                namespace(f"moving-{number}"))
    plane.pod_status("kubia-1", f"10.0.7.{number}", True)
    w.sees(at("moving"), A, has(f"10.66.17.{number}"), seconds)
    sees_mirrored(plane, w, f"192.0.2.{number}", seconds)
    w.sees(f"moving-{number}.svc.cluster.local", A, NODATA, seconds)
    w.sees(f"10-0-7-{number}.default.pod.cluster.local", A, has(f"10.0.7.{number}"), seconds)
    plane.delete("service", "moving")
    w.gone(at("moving"))


def killed(t, plane, tunnel, direct, tunnelled):
    with t.case("kube-apiserver is killed: answers go on, and what changed meanwhile is seen"):
        plane.apply(service("doomed", "10.66.18.1"))
        direct.sees(at("doomed"), A, has("10.66.18.1"))
        line = len(direct.k.lines)
        plane.kill("kube-apiserver")
        direct.says("connect", str(plane.port), after=line)
        plane.etcd_delete("/registry/services/specs/default/doomed")
        direct.still_asked()
        equal(direct.asker.ask(at("doomed"), A), has("10.66.18.1"), "what cannot be known yet")
        plane.up()
        note("from the API server's being ready to the change of meanwhile", direct.gone(at("doomed")))
        direct.says("answers again", after=line)
        for number, w in enumerate((direct, tunnelled), 1):
            moves(plane, w, number)
            w.unbroken()


def frozen(t, plane, tunnel, direct, tunnelled):
    seconds = 100 if LONG else 5    # the longer one is more than the 80 s after which a silent watch is given up
    with t.case(f"kube-apiserver is stopped for {seconds} s: answers go on; ready again, it is followed in 5 s"):
        plane.apply(service("frozen", "10.66.18.8"))
        for w in (direct, tunnelled):
            w.sees(at("frozen"), A, has("10.66.18.8"))
        with stopped(plane.pid("kube-apiserver")):
            plane.etcd_delete("/registry/services/specs/default/frozen")
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                for w in (direct, tunnelled):
                    w.still_asked()
                    equal(w.asker.ask(at("frozen"), A), has("10.66.18.8"), "what cannot be known yet")
        plane.ready()
        for w in (direct, tunnelled):
            note("from the API server's being ready to the change of meanwhile", w.gone(at("frozen"), seconds=5))
        for number, w in enumerate((direct, tunnelled), 21):
            moves(plane, w, number)
            w.unbroken()


def token(t, plane, tunnel, direct, w):
    with t.case("the token expires: names stay, the log says so; replaced: changes are seen again"):
        good, line = plane.token(), len(w.k.lines)
        w.give(plane.expired(good))
        tunnel.cut()
        w.says("(401)", "token", after=line)
        plane.apply(service("meanwhile", "10.66.18.2"))
        direct.sees(at("meanwhile"), A, has("10.66.18.2"))
        w.still_asked()
        equal(w.asker.ask(at("meanwhile"), A), NXDOMAIN, "what it may not know")
        w.give(good)
        note("from the good token to the change", w.sees(at("meanwhile"), A, has("10.66.18.2"), 40))
        plane.delete("service", "meanwhile")
        w.gone(at("meanwhile"))
        moves(plane, w, 11, 40)
        w.unbroken()


def rights(t, plane, tunnel, direct, w):
    name, line = at("kubia-noports"), len(w.k.lines)
    without, with_it = has("10.0.0.8"), has("10.0.0.8", UNREADY)
    try:
        with t.case("the right to endpointslices is taken: names stay, and the log names verb and resource"):
            plane.pod_status("kubia-1", "10.0.2.4", False)
            plane.controllers_made("kubia-noports", "10.0.0.8")
            w.sees(name, A, without)
            plane.patch("clusterrole", "keryx", {"rules": RULES[:1]})
            until(lambda: not plane.may("watch", "discovery.k8s.io", "endpointslices"), "the right to go", 10)
            tunnel.cut()
            said = w.says("(403)", '"endpointslices"', '"discovery.k8s.io"', after=line)
            check('verb "list"' in said or 'verb "watch"' in said, said)
            plane.pod_status("kubia-2", UNREADY, True)
            plane.controllers_made("kubia-noports", "10.0.0.8", UNREADY)
            direct.sees(name, A, with_it)
            plane.apply(service("meanwhile", "10.66.18.3"))
            w.sees(at("meanwhile"), A, has("10.66.18.3"))
            w.still_asked()
            equal(w.asker.ask(name, A), without, "what it may not know")
            w.unbroken()
    finally:
        plane.patch("clusterrole", "keryx", {"rules": RULES})
    with t.case("the right is given back: changes are seen again"):
        note("from the right's return to the change", w.sees(name, A, with_it, 40))
        plane.pod_status("kubia-2", UNREADY, False)
        plane.controllers_made("kubia-noports", "10.0.0.8")
        w.sees(name, A, without)
        plane.delete("service", "meanwhile")
        moves(plane, w, 12)
        w.unbroken()


def compacted(t, plane, tunnel, direct, w):
    with t.case("etcd is compacted while keryx is cut off: the relist is a difference"):
        plane.apply(service("goes", "10.66.18.4"), service("stays", "10.66.18.5"))
        w.sees(at("stays"), A, has("10.66.18.5"))
        w.sees(at("goes"), A, has("10.66.18.4"))
        version = json.loads(plane.kubectl("get", "--raw", "/api/v1/services?limit=1"))["metadata"]["resourceVersion"]
        tunnel.shut()
        plane.delete("service", "goes")
        plane.patch("service", "stays", {"spec": {"ports": [{"name": "new", "port": 81}]}})
        plane.apply(service("comes", "10.66.18.6"))
        plane.pod_status("kubia-1", "10.0.2.4", True)
        direct.sees(at("kubia-headless"), A, has(*NODES))
        plane.compact()
        plane.kill("kube-apiserver")
        plane.up()
        watched = plane.kubectl("get", "--raw", f"/api/v1/services?watch=1&resourceVersion={version}&timeoutSeconds=1")
        check('"code":410' in watched, f"version {version} is not too old: {watched}")
        equal(w.asker.ask(at("goes"), A), has("10.66.18.4"), "before")
        tunnel.open()
        note("from the way's being open to the change", w.gone(at("goes")))
        w.sees(at("stays"), SRV, has((at("stays"), 81)))
        w.sees(at("comes"), A, has("10.66.18.6"))
        w.sees(at("kubia-headless"), A, has(*NODES))
        for number, each in enumerate((direct, w), 21):
            moves(plane, each, number)
            each.unbroken()


def wiped(t, plane, tunnel, direct, tunnelled):
    """The same address, key and names, but another cluster."""
    both = [pair for pair in STABLE if pair[0][0] in (at("kubia"), at("_metrics._tcp.kubia"), at("kubernetes"))]
    with t.case("etcd is lost: a warning, and what the API server has now is the truth"):
        plane.pod_status("kubia-1", "10.0.2.4", True)
        for w in (direct, tunnelled):
            w.sees(at("kubia-headless"), A, has(*NODES))
            w.unbroken(both)
        line, before = [len(w.k.lines) for w in (direct, tunnelled)], plane.compact()
        plane.wipe()
        plane.up()
        for w in (direct, tunnelled):
            equal(w.asker.ask(at("ext"), CNAME), has("www.example.com"), "while it may not read")
        plane.apply(service("kubia", "10.66.13.240", ports=(("http", 80), ("metrics", 90))),
                    service("fresh", "10.66.13.241"), service("hand"), endpoints("hand", "192.0.2.77"))
        plane.apply(*RBAC)
        check(plane.compact() < before, "the new etcd has come too far for this test")
        for w in (direct, tunnelled):
            w.give(plane.token())
        for w, since in zip((direct, tunnelled), line):
            note("from the new token to the new truth", w.sees(at("fresh"), A, has("10.66.13.241"), 40))
            w.says("went back", after=since)
            for name in ("ext", "manual", "kubia-headless", "kubia-unready"):
                w.gone(at(name), seconds=40)
            w.gone("10-0-0-8.default.pod.cluster.local", seconds=40)
            w.gone(reverse("10.0.0.8"), 12, 40)
            w.gone("moving-1.svc.cluster.local", seconds=40)
            w.sees(at("hand"), A, has("192.0.2.77"), 40)
            w.unbroken(both)


def run(t, plane, tunnel, direct, tunnelled):
    for part in (killed, frozen, token, rights, compacted, wiped):
        part(t, plane, tunnel, direct, tunnelled)
