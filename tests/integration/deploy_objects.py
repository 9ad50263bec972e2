"""The manifests of examples/kubernetes as objects: what kubectl builds, fill.sh fills and the chart renders.

Helm renders the chart where it is on PATH, else render_chart.go with Debian's packages of sprig and yaml.
"""
import atexit
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import yaml

from harness import Skip, check

GO_PATH = pathlib.Path("/usr/share/gocode")
ALL_VALUES = {
    "k8sAppLabelOverride": "kube-dns", "service": {"name": "kube-dns", "clusterIP": "10.66.0.10"},
    "priorityClassName": "system-cluster-critical", "podDisruptionBudget": {"maxUnavailable": 1},
    "prometheus": {"service": {"enabled": True}}, "customLabels": {"team": "network"},
    "extraVolumes": [{"name": "state", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "state", "mountPath": "/state"}],
    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}], "podAnnotations": {"a": "b"},
}


def folder(t):
    return t.root / "examples/kubernetes"


def execute(*command, ok=True, **kwargs):
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True, timeout=120, check=False, **kwargs)
    check(done.returncode == 0 or not ok, f"{' '.join(map(str, command))}: {done.returncode}: {done.stderr.strip()}")
    return done


def parse(text):
    return [x for x in yaml.safe_load_all(text) if x]


def built(t, name):
    """`kubectl kustomize` of a folder; needs no cluster."""
    return parse(execute("kubectl", "kustomize", folder(t) / name).stdout)


def with_component(t, component):
    """base with a component that no overlay has."""
    with tempfile.TemporaryDirectory() as own:
        def path(name):
            return os.path.relpath((folder(t) / name).resolve(), pathlib.Path(own).resolve())
        (pathlib.Path(own) / "kustomization.yaml").write_text(yaml.safe_dump(
            {"resources": [path("base")], "components": [path(f"components/{component}")]}))
        return parse(execute("kubectl", "kustomize", own).stdout)


def filled(t, *options):
    return parse(execute(folder(t) / "nodelocal/fill.sh", *options).stdout)


def one(objects, kind, name=None):
    found = [x for x in objects if x["kind"] == kind and name in (None, x["metadata"]["name"])]
    check(len(found) == 1, f"{len(found)} objects {kind} {name or ''}")
    return found[0]


@functools.lru_cache
def _renderer(root):
    """A command that takes CHART RELEASE NAMESPACE VALUES."""
    if shutil.which("helm"):
        return ["sh", "-c", 'exec helm template "$1" "$0" --namespace "$2" --values "$3"']
    needed = [GO_PATH / "src/github.com/Masterminds/sprig", GO_PATH / "src/sigs.k8s.io/yaml"]
    if not shutil.which("go") or not all(x.is_dir() for x in needed):
        raise Skip("neither helm nor what render_chart.go needs (golang-go, golang-github-masterminds-sprig-dev, "
                   "golang-k8s-sigs-yaml-dev)")
    program = pathlib.Path(tempfile.mkdtemp(prefix="keryx-render-")) / "render_chart"
    atexit.register(shutil.rmtree, program.parent)
    execute("go", "build", "-o", program, root / "tests/integration/render_chart.go",
        env={**os.environ, "GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOFLAGS": ""})
    return [str(program)]


def render(t, values=None, release="coredns", ok=True):
    """What the process printed and how it ended."""
    command = _renderer(t.root)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(values or {}, file)
        file.flush()
        return execute(*command, folder(t) / "chart", release, "kube-system", file.name, ok=ok)


def rendered(t, values=None, release="coredns"):
    return parse(render(t, values, release).stdout)


def permissions(role):
    """(verb, group, resource), each once."""
    return {(verb, group, resource) for rule in role["rules"] for verb in rule["verbs"]
            for group in rule["apiGroups"] for resource in rule["resources"]}
