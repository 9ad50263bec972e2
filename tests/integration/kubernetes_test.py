"""A real API server (control_plane.py): what it holds is answered, and nothing that it does costs a name.

Two keryx with the token of the ServiceAccount `keryx`: one asks the API server itself, the other through
a tunnel that is cut at will. Names that never change are asked for all the while.
"""
import concurrent.futures
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import cluster
import kubernetes_faults
from control_plane import ControlPlane
from harness import Skip, check, equal, until
from keryx import Keryx
from kubernetes_world import (COREFILE, DEMO, NODATA, NODES, NXDOMAIN, STABLE, UNREADY, Watcher, addresses_of_manual,
                              at, endpoints, has, namespace, note, reverse, service)
from model_dns import A, CNAME, PTR, SRV, Asker
from tunnel import Tunnel


# What it holds

def demo(t, plane, w):
    with t.case(f"the names of the demo objects, {w.way}"):
        w.sees(*STABLE[0][0], STABLE[0][1], 20)
        w.sees(at("manual"), A, addresses_of_manual(plane.minor()))
        wrong = [f"{question} is {got}, not {want}" for question, want in DEMO
                 if (got := w.asker.ask(*question)) != want]
        check(not wrong, "; ".join(wrong))


def ways_in(t, plane):
    """Beside a kubeconfig: the token that a pod finds, and a client certificate."""
    def works(k, number):
        asker = Asker(k.address, k.port)
        until(lambda: asker.ask(*STABLE[0][0]) == STABLE[0][1], f"kubia; {k.output()}", 10 * t.slack)
        plane.apply(service("way", f"10.66.14.{number}"))
        until(lambda: asker.ask(at("way"), A) == has(f"10.66.14.{number}"), f"a change; {k.output()}", 10 * t.slack)
        plane.delete("service", "way")
        until(lambda: asker.ask(at("way"), A) == NXDOMAIN, f"a deletion; {k.output()}", 10 * t.slack)
    tls = f"tls {plane.pki('admin.crt')} {plane.pki('admin.key')} {plane.pki('ca.crt')}"
    with Keryx(t, COREFILE % f"endpoint {plane.url}\n        {tls}") as k, \
            t.case("endpoint and tls: a client certificate"):
        works(k, 1)
    with t.case("in a pod: the mounted token and CA, the address from the environment"), \
            tempfile.TemporaryDirectory() as folder:
        # A mount namespace of its own has the folder that pods have.
        mount = ('mount -t tmpfs none /var/run && mkdir -p "$1" && cp "$0"/* "$1" && shift && exec "$@"',
                 folder, "/var/run/secrets/kubernetes.io/serviceaccount")
        enter = ["unshare", "-m", "sh", "-c", *mount]
        (pathlib.Path(folder) / "token").write_text(plane.token())
        shutil.copy(plane.pki("ca.crt"), folder)
        if not shutil.which("unshare"):
            raise Skip("unshare is not installed")
        tried = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
        if tried.returncode:
            raise Skip(f"no mount namespace here: {tried.stderr.strip()}")
        k = Keryx(t, COREFILE % "", env={"KUBERNETES_SERVICE_HOST": "127.0.0.1",
                                         "KUBERNETES_SERVICE_PORT": str(plane.port)})
        k.command[:0] = enter
        with k:
            works(k, 2)


# What changes

def readiness(t, plane, w):
    with t.case("a pod becomes ready, and not ready"):
        for ready, want in ((True, has(*NODES, UNREADY)), (False, has(*NODES))):
            plane.pod_status("kubia-2", UNREADY, ready)
            note(f"kubia-2 ready: {ready}", w.sees(at("kubia-headless"), A, want))
            w.sees(at("kubia-noports"), A, want)
            w.sees(reverse(UNREADY), PTR, has(at("kubia-2.kubia-unready"), *(
                [at(f"10-0-2-5.{name}") for name in ("kubia", "kubia-headless", "kubia-noports")] if ready else [])))
        plane.pod_status("kubia-1", "10.0.2.4", False)
        w.sees(at("kubia-headless"), A, has("10.0.0.8"))
        w.sees(at("_http._tcp.kubia-headless"), SRV, has((at("kubia-0.kubia-headless"), 8080)))
        w.gone(at("10-0-2-4.kubia-headless"))
        equal(w.asker.ask(at("kubia-unready"), A), has(*NODES, UNREADY), "kubia-unready")
        plane.pod_status("kubia-1", "10.0.2.4", True)
        w.sees(at("kubia-headless"), A, has(*NODES))
        w.unbroken()
    with t.case("verified: a pod comes, and goes"):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "brief", "namespace": "default"},
               "spec": {"nodeName": "node-a", "containers": [{"name": "c", "image": "none"}]}}
        plane.apply(pod)
        plane.pod_status("brief", "10.0.0.77", True)
        w.sees("10-0-0-77.default.pod.cluster.local", A, has("10.0.0.77"))
        plane.kubectl("delete", "pod", "brief", "--force", "--grace-period=0")
        note("a pod deleted", w.gone("10-0-0-77.default.pod.cluster.local"))
        w.unbroken()


def services(t, plane, w):
    with t.case("a Service comes, changes its ports, type and cluster IP, and goes"):
        plane.apply(service("late", "10.66.15.1"))
        note("a Service created", w.sees(at("late"), A, has("10.66.15.1")))
        w.sees(reverse("10.66.15.1"), PTR, has(at("late")))
        ports = [{"name": "http", "port": 8081}, {"name": "admin", "port": 9000}]
        plane.patch("service", "late", {"spec": {"ports": ports}})
        note("ports changed", w.sees(at("late"), SRV, has((at("late"), 8081), (at("late"), 9000))))
        w.sees(at("_admin._tcp.late"), SRV, has((at("late"), 9000)))
        external = {"spec": {"type": "ExternalName", "externalName": "late.example.com", "clusterIP": None,
                             "clusterIPs": None}}
        plane.patch("service", "late", external)
        note("type changed", w.sees(at("late"), CNAME, has("late.example.com")))
        w.gone(reverse("10.66.15.1"), PTR)
        w.gone(at("_admin._tcp.late"), SRV)
        plane.delete("service", "late")
        note("a Service deleted", w.gone(at("late")))
        plane.apply(service("late", "10.66.15.2"))
        w.sees(at("late"), A, has("10.66.15.2"))
        plane.delete("service", "late")
        plane.apply(service("late", "10.66.15.3"))
        note("deleted and created with another cluster IP", w.sees(at("late"), A, has("10.66.15.3")))
        w.gone(reverse("10.66.15.2"), PTR)
        w.sees(reverse("10.66.15.3"), PTR, has(at("late")))
        plane.delete("service", "late")
        w.gone(at("late"))
        w.unbroken()


def endpoints_of(t, plane, w):
    with t.case("a selector changes: its pods go, and come back"):
        plane.apply(service("picky", selector={"app": "kubia"}))
        w.sees(at("picky"), A, has(*NODES))
        plane.patch("service", "picky", {"spec": {"selector": {"app": "none"}}})
        note("selector changed", w.gone(at("picky")))
        plane.patch("service", "picky", {"spec": {"selector": {"app": "kubia"}}})
        w.sees(at("picky"), A, has(*NODES))
        plane.delete("service", "picky")
        w.gone(at("10-0-2-4.picky"))
        w.unbroken()
    with t.case("Endpoints made by hand come, change and go"):
        plane.apply(service("hand"), endpoints("hand", "192.0.2.20"))
        note("Endpoints created", w.sees(at("hand"), A, has("192.0.2.20")))
        plane.apply(endpoints("hand", "192.0.2.21", "192.0.2.22"))
        note("Endpoints changed", w.sees(at("hand"), A, has("192.0.2.21", "192.0.2.22")))
        w.gone(at("192-0-2-20.hand"))
        plane.delete("endpoints", "hand")
        note("Endpoints deleted", w.gone(at("hand")))
        w.unbroken()
    with t.case("an EndpointSlice made by hand comes, changes and goes"):
        made = cluster.endpoint_slice("hand-1", "hand", ["192.0.2.30"], namespace="default")
        made["apiVersion"] = "discovery.k8s.io/" + ("v1" if plane.minor() > 20 else "v1beta1")
        plane.apply(made)
        w.sees(at("hand"), A, has("192.0.2.30"))
        made["endpoints"][0]["addresses"] = ["192.0.2.31"]
        plane.apply(made)
        w.sees(at("hand"), A, has("192.0.2.31"))
        plane.delete("endpointslice", "hand-1")
        w.gone(at("hand"))
        plane.delete("service", "hand")
        w.unbroken()


def namespaces(t, plane, w):
    with t.case("a namespace comes with its Service, and goes"):
        equal(w.asker.ask("brief.svc.cluster.local", A), NXDOMAIN, "before")
        plane.apply(namespace("brief"))
        note("a namespace created", w.sees("brief.svc.cluster.local", A, NODATA))
        plane.apply(service("web", "10.66.16.1", namespace="brief"))
        w.sees("web.brief.svc.cluster.local", A, has("10.66.16.1"))
        plane.delete("namespace", "brief")
        w.gone("web.brief.svc.cluster.local", seconds=30)
        w.gone("brief.svc.cluster.local", seconds=30)
        w.gone(reverse("10.66.16.1"), PTR, 30)
        w.unbroken()


def ends(t, w):
    with t.case(f"SIGTERM with open watches: it ends at once, {w.way}"):
        started = time.monotonic()
        w.k.process.send_signal(signal.SIGTERM)
        status = w.k.process.wait(10)
        taken = time.monotonic() - started
        note("SIGTERM to end", taken)
        w.k.stopped = True
        check(status == 0, f"exit status {status}: {w.k.output()}")
        check(not w.k.complaints(), str(w.k.complaints()))
        check(taken < 1 * t.slack, f"{taken:.1f} s")


def run(t):
    with ControlPlane(t.root) as plane, Tunnel(plane.spare_port, plane.port) as tunnel:
        plane.demo()
        with Watcher(t, plane, plane.port, "directly") as direct, \
                Watcher(t, plane, tunnel.port, "through the tunnel") as tunnelled:
            for w in (direct, tunnelled):
                demo(t, plane, w)
                w.probe()
            ways_in(t, plane)
            with concurrent.futures.ThreadPoolExecutor(1) as beside:
                slow = beside.submit(namespaces, t, plane, tunnelled)
                for part in (readiness, services, endpoints_of):
                    part(t, plane, direct)
                slow.result()
            kubernetes_faults.run(t, plane, tunnel, direct, tunnelled)
            for w in (direct, tunnelled):
                w.stop_probing()
                ends(t, w)
