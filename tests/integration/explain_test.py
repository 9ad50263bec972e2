"""`keryx explain`: why a name has the answer that it has, from manifests, from a running server and from an API server.

The walk-through of examples/kubia: each mistake has its cause and its cure, with their exact text.
"""
import json
import os
import pathlib
import tempfile
import threading

import explain_cases
import wire
from control_plane import ControlPlane
from explain_world import CURE, FOUND, UNREADY, Kubia, NetnsTunnel, findings, get, silent_of_httpbin, unready
from harness import check, equal, free_port, until
from keryx import Keryx, run_to_end
from kubernetes_world import KUBECONFIG, service
from namespace import Namespace
from upstream import Upstream, reply

def walk(t):
    """The mistakes of the walk-through, with no server running."""
    with Kubia(t, free_port()) as kubia:
        with t.case("a name that works, as text"):
            equal(kubia.text("kubia"), (0, FOUND))
        with t.case("an unready pod: cause and cure"):
            said = kubia.json("kubia-headless")
            equal(said["found"], True)
            equal(findings(said), [
                ("pod-not-ready", UNREADY, CURE.format("x4d2c")),
                ("headless-not-ready", "The Service default/kubia-headless is headless and gives the addresses of "
                 "ready pods alone: 1 of 3 endpoints are left out, 10.0.2.4.", "If clients shall find pods that are "
                 "not ready, set publishNotReadyAddresses: true in the Service.")])
            unready(kubia)
            said = kubia.json("kubia-headless")
            equal(findings(said)[0], (
                "pod-not-ready", "Pod default/kubia-headless-7c9d8f6b5d-9mfr4 (10.0.0.8) is not ready, so it is not "
                "in the Service default/kubia-headless: the readiness probe of container main fails (Ready is False: "
                "ContainersNotReady: containers with unready status: [main]).", CURE.format("9mfr4")))
            endpoints = {x["address"]: (x["in"], x["why"]) for x in said["services"][0]["slices"][0]["endpoints"]}
            equal(endpoints, {"10.0.0.8": (False, "not ready"), "10.0.2.4": (False, "not ready"),
                              "10.0.2.5": (True, "ready")})
        with t.case("its own name, and publishNotReadyAddresses"):
            said = kubia.json("10-0-2-4.kubia-headless")
            equal((said["found"], [x[0] for x in findings(said)]),
                  (False, ["pod-not-ready", "pod-not-ready", "headless-not-ready"]))
            said = kubia.json("10-0-2-4.kubia-headless-all")
            equal(said["found"], True)
            equal({x["address"]: (x["in"], x["why"]) for x in said["services"][0]["slices"][0]["endpoints"]},
                  {"10.0.0.8": (True, "publishNotReadyAddresses"), "10.0.2.4": (True, "ready"),
                   "10.0.2.5": (True, "ready")})
        with t.case("a mistyped namespace: cause and cure"):
            said = kubia.json("kubia.defualt")
            equal((said["found"], said["steps"][said["subject"]]["name"]),
                  (False, "kubia.defualt.svc.cluster.local."))
            equal(findings(said), [(
                "no-such-namespace", 'There is no namespace "defualt". The Service kubia is in the namespace default, '
                "whose name is near.", "Ask for kubia.default.")])
        with t.case("a short name in another namespace: cause and cure"):
            said = kubia.json("kubia", "-namespace", "kube-system")
            equal(findings(said), [(
                "other-namespace", 'The namespace kube-system has no Service "kubia". A short name works only in the '
                "namespace of its Service: kubia is in the namespace default.", "Ask for kubia.default.")])
            equal(kubia.json("kubia", "-from", "10.0.0.3")["pod"], "kube-system/keryx-7c9d8f6b5d-b6tqk")
            equal(kubia.json("kubia", "-from", "10.0.2.13")["found"], True)
        with t.case("a mistyped Service: cause and cure"):
            equal(findings(kubia.json("kubai")), [(
                "no-such-service", 'The namespace default has no Service "kubai". It has kubia, whose name is near.',
                "Ask for kubia.default.")])
        with t.case("a mistyped port, and the target port: cause and cure"):
            equal(findings(kubia.json("_http-defualt._tcp.kubia", "SRV"))[0], (
                "no-such-port", 'The Service default/kubia has no port "http-defualt" with the protocol tcp; its '
                "ports: http-default 80/TCP and http-mux1 90/TCP.", "Ask for _http-default._tcp.kubia.default."))
            equal(findings(kubia.json("_8090._tcp.kubia", "SRV"))[0], (
                "target-port", "8090 is the target port, where the pods listen. The port of the Service default/kubia "
                "is http-mux1 90/TCP.", "Ask for _http-mux1._tcp.kubia.default."))
            equal(findings(kubia.json("kubia:8080"))[0], (
                "target-port", "8080 is the target port, where the pods listen. The port of the Service default/kubia "
                "is http-default 80/TCP.", "Connect to port 80."))
        with t.case("no pod matches the selector: cause and cure"):
            kubia.change("services.yaml", "    selector:\n      app: kubia\n    sessionAffinity: ClientIP",
                         "    selector:\n      app: kubai\n    sessionAffinity: ClientIP")
            kubia.change("endpointslices.yaml", "kubernetes.io/service-name: kubia\n",
                         "kubernetes.io/service-name: other\n")
            equal(findings(kubia.json("kubia"))[0], (
                "no-pod-matches", "No pod of the namespace default matches the selector of the Service default/kubia, "
                "app=kubai. Nearest is Pod default/kubia-7c9d8f6b5d-4gxq2 (10.0.1.23) with app=kubia.",
                "Correct the selector, or the labels of the pods."))


def upstreams(t):
    """ExternalName: its chain, and an upstream that breaks."""
    with Upstream(lambda query, tcp: reply(query, wire.record(query.questions[0][0], "A", 1, 60, bytes([192, 0, 2, 80])),
                                           1)) as upstream, Kubia(t, upstream.port) as kubia:
        with t.case("an ExternalName, with what the upstream says"):
            said = kubia.json("external-service-externalname")
            equal(said["found"], True)
            equal(said["chain"], [{"owner": "external-service-externalname.default.svc.cluster.local.",
                                   "target": "httpbin.org.", "server_block": ".:53",
                                   "asks": f"forward . to 127.0.0.1:{upstream.port}"}])
            equal(said["message"][-1], "httpbin.org. 60 IN A 192.0.2.80")
            equal(findings(said), [])
    with Kubia(t, free_port()) as kubia:
        with t.case("a broken upstream: cause and cure"):
            said = kubia.json("external-service-externalname")
            code, cause, cure = findings(said)[0]
            port = said["chain"][0]["asks"].rsplit(":", 1)[1]
            equal((said["found"], code), (False, "upstream-failed"))
            check(cause.startswith(f"The upstreams did not answer for httpbin.org.: forward . to 127.0.0.1:{port}"), cause)
            equal(cure, f"Ask an upstream itself from where the server runs: dig @127.0.0.1 -p {port} httpbin.org.")


def errors(t):
    port = free_port()
    with t.case("nothing listens: status 2, and what to do"):
        equal(run_to_end(t, ["explain", "kubia", "-server", f"127.0.0.1:{port}"]), (
            2, "", f"keryx: explain: nothing listens at 127.0.0.1:{port}: put `status` into the Corefile of the "
            "server, or give -server ADDR\n"))
    with t.case("wrong questions: status 2, no control characters"):
        with Kubia(t, free_port()) as kubia:
            for args, why in [(["a..b"], '"a..b" is not a name'), (["a", "AXFR"], '"AXFR" is not a type of records'),
                              (["a..\x1b[2J"], '"a..?[2J" is not a name'),
                              (["a", "-from", "x"], '"x" is not an address of a pod'),
                              (["a", "-namespace", "x.y"], '"x.y" is not a name of a namespace')]:
                equal(run_to_end(t, ["explain", *args, "-conf", str(kubia.corefile)]),
                      (2, "", f"keryx: explain: {why}\n"))
            status, out, err = run_to_end(t, ["explain", "a\\027b.kubia", "-conf", str(kubia.corefile)])
            equal((status, err), (1, ""))
            check("a\\027b.kubia" in out and "\x1b" not in out, out)
    with t.case("wrong command lines and Corefiles: status 2"):
        for args, why in [(["explain"], "NAME"), (["explain", "a", "-o", "xml"], "xml"),
                          (["explain", "a", "-server", "127.0.0.1:x"], "not an address and port"),
                          (["explain", "a", "-conf", "/nonexistent"], "cannot read the Corefile")]:
            status, _, err = run_to_end(t, args)
            check(status == 2 and why in err, f"{args}: {status} {err}")
    with t.case("its own -help"):
        status, out, _ = run_to_end(t, ["explain", "-help"])
        check(status == 0 and "--namespace" in out and "Exit status" in out, out)


def running(t):
    """A server that runs is asked, and says the same."""
    port = free_port()
    with Upstream(silent_of_httpbin) as silent, \
            Kubia(t, silent.port, f"status 127.0.0.1:{port}") as kubia:
        k = Keryx(t, None, args=("-dns.port", "0", "-conf", str(kubia.corefile)))
        with k:
            server = f"127.0.0.1:{port}"
            until(lambda: "/" in k.http, f"'http listening' of status; {k.output()}", 10 * t.slack)
            with t.case("a running server says what the manifests say"):
                want = FOUND.replace(".:53", f".:{k.port}")
                equal(run_to_end(t, ["explain", "kubia", "-server", server]), (0, want, ""))
                equal(get(port, "/api/explain?name=kubia&format=text"), (200, want))
                status, out, _ = run_to_end(t, ["explain", "kubia.defualt", "-server", server, "-o", "json"])
                equal(status, 1)
                equal([x[0] for x in findings(json.loads(out))], ["no-such-namespace"])
            with t.case("an explanation is no query of a client: the top lists do not have it"):
                k.udp("kubia.default.svc.cluster.local.")
                top = get(port, "/api/top")[1]
                check("kubia.default.svc" in top and "defualt" not in top, top)
            with t.case("what it is asked wrongly is 400, and status 2"):
                equal(get(port, "/api/explain?name=a..b"), (400, '"a..b" is not a name\n'))
                equal(get(port, "/api/explain?name=a&format=xml"), (400, "format is json or text\n"))
                equal(run_to_end(t, ["explain", "a..b", "-server", server]),
                      (2, "", 'keryx: explain: "a..b" is not a name\n'))
            with t.case("colours, where a terminal wants them"):
                text = json.loads(get(port, "/api/explain?name=kubia&text=colour")[1])["text"]
                check("\x1b[32mfound\x1b[0m" in text, text)
                text = json.loads(get(port, "/api/explain?name=kubia&text=plain")[1])["text"]
                equal(text, FOUND.replace(".:53", f".:{k.port}"))
            with t.case("a pod becomes unready, and the explanation follows"):
                unready(kubia)

                def unready_now():
                    _, out, _ = run_to_end(t, ["explain", "kubia-headless", "-server", server, "-o", "json"])
                    return {x["address"]: x["why"] for x in
                            json.loads(out)["services"][0]["slices"][0]["endpoints"]}["10.0.0.8"] == "not ready"
                until(unready_now, "10.0.0.8 not ready", 10 * t.slack)
            with t.case("an upstream that says nothing: the explanation waits, queries don't"):
                got = []
                asked = threading.Thread(target=lambda: got.append(
                    get(port, "/api/explain?name=external-service-externalname")))
                asked.start()
                until(lambda: any("httpbin" in x[0] for x in silent.asked), "a question upstream", 10 * t.slack)
                equal(k.udp("kubia.default.svc.cluster.local.").rcode, 0)
                check(asked.is_alive(), "it did not wait")
                asked.join(30)
                equal(got and got[0][0], 200)
                equal(findings(json.loads(got[0][1]))[0][0], "upstream-failed")


KUBERNETES = """. {
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa {
        kubeconfig kubeconfig
        startup_timeout 20s
    }
}
"""


def control_plane(t):
    """A real API server, asked with the token of the ServiceAccount from a network namespace."""
    with ControlPlane(t.root) as plane, Namespace([], "nameserver 127.0.0.1\n") as ns, \
            NetnsTunnel(plane.port, plane.port, ns), tempfile.TemporaryDirectory() as name:
        plane.demo()
        folder = pathlib.Path(name)
        (folder / "token").write_text(plane.token())
        (folder / "kubeconfig").write_text(KUBECONFIG.format(port=plane.port, ca=plane.pki("ca.crt"),
                                                             token=folder / "token"))
        (folder / "Corefile").write_text(KUBERNETES)

        def explain(*args):
            done = ns.run(*t.command, "explain", *args, "-o", "json", "-conf", str(folder / "Corefile"), ok=False,
                          seconds=60 * t.slack)
            check(done.returncode in (0, 1), f"{done.returncode}: {done.stderr}")
            said = json.loads(done.stdout)
            equal(done.returncode, 0 if said["found"] else 1, "exit status")
            return said

        def explain_until(condition, *args):
            last = []

            def there():
                last[:] = [explain(*args)]
                return condition(last[0])
            try:
                until(there, "the explanation", 30 * t.slack, 0.2)
            except AssertionError:
                raise AssertionError(f"{args}: {json.dumps(last)}") from None
            return last[0]
        with t.case("a real API server: Service, slices and pods, with the server's own role"):
            said = explain_until(lambda s: s["found"] and s["services"][0]["slices"], "kubia")
            equal(said["notes"], [])
            one = said["services"][0]
            equal((one["type"], one["cluster_ips"], one["selector"]), ("ClusterIP", ["10.66.13.240"], {"app": "kubia"}))
            equal([(x["name"], x["port"], x["target_port"]) for x in one["ports"]],
                  [("http", 80, "http"), ("metrics", 90, "9090")])
        with t.case("a real API server: the pod that is not ready"):
            said = explain_until(lambda s: "headless-not-ready" in [x[0] for x in findings(s)], "kubia-headless")
            code, cause, cure = findings(said)[0]
            equal(code, "pod-not-ready")
            check(cause.startswith("Pod default/kubia-2 (10.0.2.5) is not ready, so it is not in the Service "
                                   "default/kubia-headless: "), cause)
            check("kubectl -n default describe pod kubia-2" in cure, cure)
            equal({x["address"]: x["in"] for y in said["services"][0]["slices"] for x in y["endpoints"]},
                  {"10.0.0.8": True, "10.0.2.4": True, "10.0.2.5": False})
            plane.pod_status("kubia-2", "10.0.2.5", True)
            explain_until(lambda s: not findings(s), "kubia-headless")
            plane.pod_status("kubia-2", "10.0.2.5", False)
        with t.case("a real API server: the target port that a name stands for"):
            said = explain("kubia:8080")
            equal(findings(said)[0][0], "target-port")
        with t.case("a real API server: the namespace of the pod that asks"):
            equal(explain("kubia", "-from", "10.0.0.8")["pod"], "default/kubia-0")
            equal(findings(explain("kubia", "-namespace", "kube-system"))[0][0], "other-namespace")
        with t.case("a real API server: a selector that matches nothing"):
            plane.apply(service("picky", "10.66.14.9", selector={"app": "kubai"}))
            said = explain_until(lambda s: s["found"], "picky")
            equal(findings(said)[0][0], "no-pod-matches")
            check("with app=kubia." in findings(said)[0][1], findings(said)[0][1])
            plane.delete("service", "picky")
        with t.case("details are refused: what the server knows is told, and what it may not see"):
            role = json.loads(plane.kubectl("get", "clusterrole", "keryx", "-o", "json"))
            rules = role["rules"]
            role["rules"] = [{**rules[0], "resources": ["services", "endpoints", "namespaces"]}, rules[1]]
            plane.apply({k: role[k] for k in ("apiVersion", "kind", "rules")} | {"metadata": {"name": "keryx"}})
            try:
                said = explain_until(lambda s: s["notes"], "kubia-headless")
                check(said["notes"][0].startswith("cannot list pods: the API server says 403: pods is forbidden"), said)
                equal([x[0] for x in findings(said)], ["endpoint-not-ready", "headless-not-ready"])
            finally:
                role["rules"] = rules
                plane.apply({k: role[k] for k in ("apiVersion", "kind", "rules")} | {"metadata": {"name": "keryx"}})
        with t.case("the API server is away: that is said, and nothing is denied"):
            (folder / "Corefile").write_text(KUBERNETES.replace("20s", "200ms"))
            (folder / "kubeconfig").write_text(KUBECONFIG.format(port=plane.spare_port, ca=plane.pki("ca.crt"),
                                                                 token=folder / "token"))
            said = explain("kubia")
            equal((said["found"], said["steps"][0]["rcode"]), (False, "SERVFAIL"))
            equal(findings(said)[0][0], "not-synced")
            check(said["notes"], said)


def run(t):
    os.environ.pop("NO_COLOR", None)
    walk(t)
    upstreams(t)
    errors(t)
    running(t)
    explain_cases.run(t)
    control_plane(t)
