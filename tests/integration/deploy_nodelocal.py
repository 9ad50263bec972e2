"""NodeLocal DNSCache of examples/kubernetes in a network namespace: node-net.sh, the Corefile and the arguments of the
DaemonSet, filled. The namespace plays kube-proxy (DNAT of the cluster IPs) and a DNS pod behind it. Needs root.

Who answers is seen by AA: the DNS pod has authority for the cluster, the node's own Keryx has not.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import cluster
from deploy_objects import filled, one
from harness import Skip, check, end, equal, until
from keryx import Keryx
from namespace import Namespace

LOCAL, CLUSTER_IP, UPSTREAM_IP, POD = "169.254.20.10", "10.96.0.10", "10.96.0.11", "10.244.0.53"
DNS_POD = f"""
. {{
    bind {POD}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        manifests objects.json
    }}
}}
"""
SKIP = ("raw", "NOTRACK")
ALLOW = ("filter", "ACCEPT")
NFT_PROBE = """table inet probe {
    chain c {
        type filter hook output priority raw;
        udp dport 9 notrack
    }
}
"""


def wanted(address):
    """(table, target, chain, match): node-cache's rules for an address."""
    rules = set()
    for protocol in ("udp", "tcp"):
        to, by = f"-d {address}/32 -p {protocol} --dport 53", f"-s {address}/32 -p {protocol} --sport 53"
        rules |= {(*SKIP, "PREROUTING", to), (*ALLOW, "INPUT", to), (*SKIP, "OUTPUT", by), (*ALLOW, "OUTPUT", by),
                  (*SKIP, "OUTPUT", to)}
    return rules | {(*SKIP, "OUTPUT", f"-d {address}/32 -p tcp --dport 8080"),
                    (*SKIP, "OUTPUT", f"-s {address}/32 -p tcp --sport 8080")}


class Node:
    """`backend`: what node-net.sh is to use."""

    def __init__(self, t, ns, backend):
        self.t, self.ns, self.backend = t, ns, backend
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="keryx-node-"))
        objects = filled(t, "--dns-ip", CLUSTER_IP)
        self.script = self.state / "node-net.sh"
        self.script.write_text(one(objects, "ConfigMap", "node-local-dns-net")["data"]["node-net.sh"])
        corefile = one(objects, "ConfigMap", "node-local-dns")["data"]["Corefile"]
        check("lameduck 5s" in corefile, "no lameduck")
        self.corefile = corefile.replace("lameduck 5s", "lameduck 500ms")
        spec = one(objects, "DaemonSet")["spec"]["template"]["spec"]
        self.args = [x.replace("/run/keryx", str(self.state)) for x in one_container(spec, "node-cache")["args"][2:]]
        env = {x["name"]: x.get("value", "") for x in one_container(spec, "node-net")["env"]}
        self.env = {**os.environ, **env, "STATE": str(self.state), "INTERVAL": "0.1", "BACKEND": backend,
                    "LINK_TYPE": link_type(ns), "KERYX_USER": "0"}
        self.nets = []

    def __enter__(self):
        for ip in (CLUSTER_IP, UPSTREAM_IP):
            for protocol in ("udp", "tcp"):
                self.ns.run("iptables", "-w", "-t", "nat", "-A", "OUTPUT", "-d", ip, "-p", protocol, "--dport", "53",
                            "-j", "DNAT", "--to-destination", f"{POD}:53")
        self.ns.run("ip", "route", "add", "default", "dev", "pod0")
        return self

    def __exit__(self, *_):
        for process in self.nets:
            end(process)
        shutil.rmtree(self.state, ignore_errors=True)

    def enter(self, *command):
        return ["ip", "netns", "exec", self.ns.name, *map(str, command)]

    def link(self):
        done = subprocess.run(self.enter("bash", self.script, "link"), env=self.env, capture_output=True, text=True,
                              timeout=20, check=False)
        check(done.returncode == 0, done.stderr)

    def rules(self, pod):
        """The sidecar; its output goes to a file."""
        log = self.state / f"{pod}.log"
        with log.open("w") as output:
            process = subprocess.Popen(self.enter("bash", self.script, "rules"), env={**self.env, "POD_NAME": pod},
                                       stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.nets.append(process)
        until(lambda: "with " in log.read_text(), "node-net.sh", 10)
        return process, log

    def keryx(self):
        return Keryx(self.t, self.corefile, args=self.args, netns=self.ns.name, listeners=2,
                     env={"KUBE_DNS_UPSTREAM_SERVICE_HOST": UPSTREAM_IP})

    def authority(self, address):
        """AA of an answer for the Service, None without one."""
        out = self.ns.run("dig", "+time=1", "+tries=1", f"@{address}", cluster.SERVICE, ok=False).stdout
        flags = re.search(r"flags: ([a-z ]+);", out)
        return "aa" in flags[1].split() if flags and "10.96.1.1" in out else None

    def present(self):
        """The rules that are there, as wanted() has them; with nft the number of `notrack`."""
        if self.backend == "nft":
            return self.ns.out("nft", "list", "ruleset").count("notrack")
        found = set()
        for table in ("raw", "filter"):
            for line in self.ns.out(self.backend, "-w", "-t", table, "-S").splitlines():
                rule = re.match(r"-A (\w+) (-[sd] \S+) -p (\w+) -m \w+ (--[sd]port \d+) .*-j (\w+)(?: --notrack)?$", line)
                if rule:
                    target = "NOTRACK" if rule[5] == "CT" else rule[5]
                    found.add((table, target, rule[1], f"{rule[2]} -p {rule[3]} {rule[4]}"))
        return found

    def all_rules(self):
        return 10 if self.backend == "nft" else wanted(LOCAL) | wanted(CLUSTER_IP)

    def no_rules(self):
        return 0 if self.backend == "nft" else set()

    def linked(self):
        return self.ns.run("ip", "link", "show", "nodelocaldns", ok=False).returncode == 0


def one_container(spec, name):
    return next(x for x in spec["containers"] if x["name"] == name)


def link_type(ns):
    for kind in ("dummy", "bridge"):
        if ns.run("ip", "link", "add", "probe", "type", kind, ok=False).returncode == 0:
            ns.run("ip", "link", "del", "probe")
            return kind
    raise Skip("neither dummy nor bridge links here")


def goes(node, what):
    until(lambda: node.authority(CLUSTER_IP) is what, f"AA {what} from {CLUSTER_IP}", 10 * node.t.slack)


def life(t, node):
    """A node's life: who answers the cluster IP, and which rules are there."""
    ns = node.ns
    with t.case(f"nodelocal, {node.backend}: the link is there before Keryx, the rules are not"):
        node.link()
        shown = ns.out("ip", "-o", "address", "show", "dev", "nodelocaldns")
        check(f" {LOCAL}/32 " in shown and f" {CLUSTER_IP}/32 " in shown, shown)
        node.link()  # again, as after a restart
        a, log = node.rules("a")
        until(lambda: "no rules" in log.read_text(), "the sidecar to look", 10)
        equal((node.present(), node.authority(CLUSTER_IP)), (node.no_rules(), True))
    with node.keryx() as first:
        with t.case(f"nodelocal, {node.backend}: once it answers, the rules are node-cache's, and both addresses are its"):
            until(lambda: node.present() == node.all_rules(), "the rules", 10 * t.slack)
            equal((node.authority(LOCAL), node.authority(CLUSTER_IP)), (False, False))
            check("another" not in log.read_text(), log.read_text())
        with t.case(f"nodelocal, {node.backend}: while Keryx hangs, the cluster IP leads to the DNS pods"):
            first.process.send_signal(signal.SIGSTOP)
            try:
                goes(node, True)
                until(lambda: node.present() == node.no_rules(), "no rules", 10 * t.slack)
            finally:
                first.process.send_signal(signal.SIGCONT)
            until(lambda: node.present() == node.all_rules(), "the rules", 10 * t.slack)
            goes(node, False)
        replaced(t, node, first, a)
    with t.case(f"nodelocal, {node.backend}: at the end neither rules nor link are left"):
        until(lambda: not node.linked(), "the link to go", 10 * t.slack)
        equal((node.present(), node.authority(CLUSTER_IP)), (node.no_rules(), True))


def replaced(t, node, first, a):
    """The DaemonSet's surge: a second pod starts, then the first one ends."""
    with t.case(f"nodelocal, {node.backend}: a second pod takes over, and the first one's end takes nothing away"):
        node.link()
        b, log = node.rules("b")
        with node.keryx() as second:
            until(lambda: "rules for" in log.read_text() and not first.alive(), "the first Keryx to hand over",
                  20 * t.slack)
            equal(first.process.wait(5), 0, "its exit status")
            first.stopped = True
            a.terminate()
            equal(a.wait(10), 0, "the first sidecar")
            equal((node.present(), node.authority(LOCAL), node.authority(CLUSTER_IP)),
                  (node.all_rules(), False, False))
            check(node.linked(), "the link is gone")
            b.terminate()
            until(lambda: node.present() == node.no_rules(), "the rules to go first", 10 * t.slack)
            goes(node, True)
            check(second.alive(), "Keryx ended")
        equal(b.wait(30), 0, "the second sidecar")


def backends():
    return [x for x, tool in (("iptables-nft", "iptables-nft"), ("iptables-legacy", "iptables-legacy"), ("nft", "nft"))
            if shutil.which(tool)]


def works(ns, backend):
    """Why it can't be used here; nothing if it can."""
    if backend == "nft":
        tried = subprocess.run(["ip", "netns", "exec", ns.name, "nft", "-f", "-"], input=NFT_PROBE, capture_output=True,
                               text=True, check=False)
        ns.run("nft", "delete", "table", "inet", "probe", ok=False)
        return tried.stderr.strip() if tried.returncode else ""
    rule = ["-w", "-t", "raw", "-A", "OUTPUT", "-p", "udp", "-m", "comment", "--comment", "probe", "-j", "NOTRACK"]
    tried = ns.run(backend, *rule, ok=False)
    if tried.returncode:
        return tried.stderr.strip()
    ns.run(backend, *["-D" if x == "-A" else x for x in rule])
    return ""


def run(t):
    if not backends():
        t.skip("nodelocal", "neither iptables nor nft is installed")
    for backend in backends()[:1 if t.quick else None]:
        with t.case(f"nodelocal, {backend}: set up and torn down"), \
                Namespace([f"{POD}/32"], "nameserver 10.244.0.99\n") as ns:
            why = works(ns, backend) or (not shutil.which("iptables") and "no iptables to play kube-proxy with")
            if why:
                raise Skip(why)
            with Node(t, ns, backend) as node:
                print(f"   deploy: nodelocal, {backend}: link of type {node.env['LINK_TYPE']}", flush=True)
                with Keryx(t, DNS_POD, {"objects.json": cluster.OBJECTS}, args=(), netns=ns.name):
                    life(t, node)
