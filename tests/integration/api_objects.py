"""Kubernetes objects as an API server keeps and serves them.

Knows the resources that cluster DNS asks for, the noise that real objects carry, and an object's
shapes: as it is kept (v1), as discovery.k8s.io/v1beta1 has it, as metadata alone, as core Endpoints.
"""
import dataclasses
import json
import uuid


@dataclasses.dataclass(frozen=True)
class Kind:
    resource: str
    kind: str
    group: str = ""
    namespaced: bool = True
    rest: str = ""       # what a bookmark carries beside its metadata

    def api_version(self, shape="v1"):
        version = "v1beta1" if shape == "v1beta1" else "v1"
        return f"{self.group}/{version}" if self.group else version


KINDS = {kind.resource: kind for kind in [
    Kind("namespaces", "Namespace", namespaced=False, rest=',"spec":{},"status":{}'),
    Kind("services", "Service", rest=',"spec":{},"status":{"loadBalancer":{}}'),
    Kind("pods", "Pod", rest=',"spec":{"containers":null},"status":{}'),
    Kind("endpoints", "Endpoints"),
    Kind("endpointslices", "EndpointSlice", group="discovery.k8s.io",
         rest=',"addressType":"","endpoints":null,"ports":null'),
]}

SERVICE_NAME = "kubernetes.io/service-name"
LISTED = {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}},
                         "f:labels": {".": {}, "f:app": {}}},
          "f:spec": {"f:internalTrafficPolicy": {}, "f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {
              ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}}, "f:type": {}}}
NOISE = {
    "annotations": {
        "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-02T03:04:05Z",
        "kubectl.kubernetes.io/last-applied-configuration":
            '{"apiVersion":"v1","kind":"Service","metadata":{"name":"\\u00e9","namespace":"x"},'
            '"spec":{"ports":[{"port":1}],"clusterIP":"192.0.2.1"},"endpoints":[{}]}\n'},
    "managedFields": [{"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1",
                       "time": "2026-01-02T03:04:05Z", "fieldsType": "FieldsV1", "fieldsV1": LISTED}],
}


def stored(obj, version, uid=None):
    """`obj` as the server keeps it: with its version, uid and the noise of real ones."""
    meta = obj["metadata"]
    kept = {"name": meta["name"]}
    if "namespace" in meta:
        kept["namespace"] = meta["namespace"]
    kept |= {"uid": uid or str(uuid.uuid4()), "resourceVersion": str(version),
             "creationTimestamp": "2026-01-02T03:04:05Z",
             **{key: meta[key] for key in ("labels", "deletionTimestamp", "ownerReferences") if key in meta},
             **NOISE}
    rest = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    if "spec" in rest and "status" not in rest:
        rest["status"] = {"loadBalancer": {}}
    return {"metadata": kept, **rest}


def as_v1beta1(obj):
    """An EndpointSlice as 1.20 serves it: topology, and no condition but ready."""
    endpoints = []
    for endpoint in obj.get("endpoints") or []:
        old = {key: value for key, value in endpoint.items() if key not in ("nodeName", "zone", "conditions")}
        ready = endpoint.get("conditions", {}).get("ready")
        old["conditions"] = {} if ready is None else {"ready": ready}
        old["topology"] = {"kubernetes.io/hostname": endpoint.get("nodeName", "node-a")}
        endpoints.append(old)
    return {**obj, "endpoints": endpoints or None}


def as_endpoints(namespace, name, slices):
    """The core Endpoints of a Service: a subset for each slice."""
    subsets = []
    for one in slices:
        subset = {"addresses": [], "notReadyAddresses": [], "ports": one.get("ports") or []}
        for endpoint in one.get("endpoints") or []:
            ready = endpoint.get("conditions", {}).get("ready") is not False
            for address in endpoint["addresses"]:
                entry = {"ip": address, "nodeName": "node-a"}
                if endpoint.get("hostname"):
                    entry["hostname"] = endpoint["hostname"]
                subset["addresses" if ready else "notReadyAddresses"].append(entry)
        subset = {key: value for key, value in subset.items() if value}
        if "addresses" in subset or "notReadyAddresses" in subset:
            subsets.append(subset)
    return {"metadata": {"name": name, "namespace": namespace}, "subsets": subsets}


class Entry:
    """One version of one object, with its texts as they are asked for."""

    def __init__(self, kind, key, version, obj):
        self.kind, self.key, self.version, self.object = kind, key, version, obj
        self._texts = {}

    @property
    def uid(self):
        return self.object["metadata"]["uid"]

    def text(self, shape):
        """As a list holds it: without kind and apiVersion."""
        text = self._texts.get(shape)
        if text is None:
            text = self._texts[shape] = self._render(shape)
        return text

    def watch_text(self, shape):
        if shape == "metadata":
            return self.text(shape)
        head = f'{{"kind":"{self.kind.kind}","apiVersion":"{self.kind.api_version(shape)}",'
        return head + self.text(shape)[1:]

    def _render(self, shape):
        if shape == "metadata":
            return json.dumps({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                               "metadata": self.object["metadata"]}, separators=(",", ":"))
        obj = as_v1beta1(self.object) if shape == "v1beta1" else self.object
        return json.dumps(obj, separators=(",", ":"))

    def at(self, version):
        """The same object with another resourceVersion, as a DELETED event carries it."""
        meta = {**self.object["metadata"], "resourceVersion": str(version)}
        return Entry(self.kind, self.key, version, {**self.object, "metadata": meta})
