"""A large cluster as an API server holds it: objects with the noise that real ones carry.

Services are `svc-I` in `ns-J`; each has one EndpointSlice. One in five is headless, and its endpoints
have host names, as a StatefulSet's have.
"""
import json

NAMESPACES = 100


def uid(number):
    return f"{number:08x}-7c1f-4e9a-9d52-{number * 2654435761 % 2**48:012x}"


def managed_fields(manager, fields):
    return [{"manager": manager, "operation": "Update", "apiVersion": "v1",
             "time": "2026-05-04T03:02:01Z", "fieldsType": "FieldsV1", "fieldsV1": fields}]


SERVICE_FIELDS = {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}},
                                 "f:labels": {".": {}, "f:app": {}, "f:release": {}, "f:team": {}}},
                  "f:spec": {"f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {
                      ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}},
                      "k:{\"port\":9090,\"protocol\":\"TCP\"}": {
                          ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}},
                      "f:selector": {".": {}, "f:app": {}}, "f:sessionAffinity": {}, "f:type": {}}}
SLICE_FIELDS = {"f:addressType": {}, "f:endpoints": {}, "f:metadata": {
    "f:annotations": {".": {}, "f:endpoints.kubernetes.io/last-change-trigger-time": {}},
    "f:generateName": {}, "f:labels": {".": {}, "f:endpointslice.kubernetes.io/managed-by": {},
                                       "f:kubernetes.io/service-name": {}},
    "f:ownerReferences": {".": {}, "k:{\"uid\":\"x\"}": {}}}, "f:ports": {}}


def names(index):
    return f"svc-{index}", f"ns-{index % NAMESPACES}"


def is_headless(index):
    return index % 5 == 0


def cluster_ip(index):
    return f"10.{96 + index // 60000}.{index // 250 % 240 + 1}.{index % 250 + 1}"


def pod_ip(number):
    return f"10.{128 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def namespace(index):
    name = f"ns-{index}"
    return {"metadata": {"name": name, "uid": uid(index), "resourceVersion": str(index + 10),
                         "creationTimestamp": "2026-01-02T03:04:05Z",
                         "labels": {"kubernetes.io/metadata.name": name},
                         "managedFields": managed_fields("kubectl-create", {"f:metadata": {}})},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}


def service(index, version):
    name, space = names(index)
    ip = "None" if is_headless(index) else cluster_ip(index)
    spec = {"clusterIP": ip, "clusterIPs": [ip], "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
                      {"name": "metrics", "protocol": "TCP", "port": 9090, "targetPort": "metrics"}],
            "selector": {"app": name}, "sessionAffinity": "None", "type": "ClusterIP"}
    applied = json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space},
                          "spec": spec})
    return {"metadata": {"name": name, "namespace": space, "uid": uid(1_000_000 + index),
                         "resourceVersion": str(version), "creationTimestamp": "2026-01-02T03:04:05Z",
                         "labels": {"app": name, "release": "stable", "team": f"team-{index % 37}"},
                         "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
                         "managedFields": managed_fields("kubectl-client-side-apply", SERVICE_FIELDS)},
            "spec": spec, "status": {"loadBalancer": {}}}


def slice_of(index, version, endpoints):
    """`endpoints`: address per endpoint."""
    name, space = names(index)
    items = []
    for i, address in enumerate(endpoints):
        pod = f"{name}-{i}"
        item = {"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": f"node-{(index + i) % 500}", "zone": f"eu-central-1{'abc'[i % 3]}",
                "targetRef": {"kind": "Pod", "namespace": space, "name": pod, "uid": uid(index * 64 + i)}}
        if is_headless(index):
            item["hostname"] = pod
        items.append(item)
    return {"metadata": {"name": f"{name}-x{index % 97:04d}", "namespace": space, "generateName": f"{name}-",
                         "uid": uid(2_000_000 + index), "resourceVersion": str(version), "generation": 3,
                         "creationTimestamp": "2026-01-02T03:04:05Z",
                         "labels": {"app": name, "endpointslice.kubernetes.io/managed-by":
                                    "endpointslice-controller.k8s.io", "kubernetes.io/service-name": name},
                         "annotations": {"endpoints.kubernetes.io/last-change-trigger-time":
                                         "2026-05-04T03:02:01Z"},
                         "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": name,
                                              "uid": uid(1_000_000 + index), "controller": True,
                                              "blockOwnerDeletion": True}],
                         "managedFields": managed_fields("kube-controller-manager", SLICE_FIELDS)},
            "addressType": "IPv4", "endpoints": items,
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"},
                      {"name": "metrics", "port": 9090, "protocol": "TCP"}]}


def listing(kind, api_version, version, objects):
    """The octets of a typed list, as the API server writes them."""
    head = json.dumps({"kind": kind + "List", "apiVersion": api_version,
                       "metadata": {"resourceVersion": str(version)}}, separators=(",", ":"))[:-1]
    items = ",".join(json.dumps(o, separators=(",", ":")) for o in objects)
    return (head + ',"items":[' + items + "]}\n").encode()


def event(kind, api_version, type_, made):
    return (json.dumps({"type": type_, "object": {"kind": kind, "apiVersion": api_version, **made}},
                       separators=(",", ":")) + "\n").encode()
