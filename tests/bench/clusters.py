"""What the servers of the bench answer from: a cluster as a Kubernetes List, the same names as a zone
file, and the questions of a load.
"""
import json

DOMAIN = "cluster.local"
SOA = ("$ORIGIN %s.\n@ 30 IN SOA ns.dns hostmaster 1 7200 1800 86400 30\n@ 30 IN NS ns.dns\n"
       "ns.dns 30 IN A 10.96.0.10\n")


def qname(name, namespace):
    return f"{name}.{namespace}.svc.{DOMAIN}"


def reverse(address):
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def cluster_ip(index):
    return f"10.{96 + index // 60000}.{index // 250 % 240 + 1}.{index % 250 + 1}"


def pod_ip(index):
    return f"10.{128 + index // 62500}.{index // 250 % 250}.{index % 250 + 1}"


def service(name, space, address):
    """`address`: a cluster IP, or "None" for a headless one."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space},
            "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "selector": {"app": name},
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}}


def external_name(name, space, target):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space},
            "spec": {"type": "ExternalName", "externalName": target}}


def endpoint_slice(name, space, addresses):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"{name}-0", "namespace": space, "labels": {"kubernetes.io/service-name": name}},
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}


def place(index):
    """Name and namespace of a Service."""
    return f"svc-{index}", f"ns-{index % 100}"


def write_objects(folder, items):
    listing = {"apiVersion": "v1", "kind": "List", "items": items}
    (folder / "objects.json").write_text(json.dumps(listing, separators=(",", ":")))


def write_lines(folder, name, lines):
    (folder / name).write_text("\n".join(lines) + "\n")


def write_cluster_ips(folder, count):
    """objects.json, cluster.zone and questions.txt of so many Services; the first one's name."""
    items, zone, questions = [], [], []
    for i in range(count):
        name, space = place(i)
        items.append(service(name, space, cluster_ip(i)))
        zone.append(f"{name}.{space}.svc 30 IN A {cluster_ip(i)}")
        questions.append(f"{qname(name, space)} A NOERROR 1")
    write_objects(folder, items)
    write_lines(folder, "cluster.zone", [SOA % DOMAIN, *zone])
    write_lines(folder, "questions.txt", questions)
    return qname(*place(0))


def write_headless(folder, count, endpoints):
    """The same for headless Services."""
    items, zone, questions = [], [], []
    for i in range(count):
        name, space = place(i)
        addresses = [pod_ip(i * endpoints + k) for k in range(endpoints)]
        items += [service(name, space, "None"), endpoint_slice(name, space, addresses)]
        zone += [f"{name}.{space}.svc 30 IN A {address}" for address in addresses]
        questions.append(f"{qname(name, space)} A NOERROR {endpoints}")
    write_objects(folder, items)
    write_lines(folder, "cluster.zone", [SOA % DOMAIN, *zone])
    write_lines(folder, "questions.txt", questions)
    return qname(*place(0))


def write_external(folder, count):
    """questions.txt of names outside of the cluster; the first."""
    write_objects(folder, [namespace("default")])
    write_lines(folder, "questions.txt", [f"host-{i}.bench.example A NOERROR 1" for i in range(count)])
    return "host-0.bench.example"
