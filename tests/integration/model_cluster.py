"""A cluster's objects, and what DNS must answer of them: computed anew, from the objects alone.

The rules are those of the Kubernetes DNS specification, as ARCHITECTURE.md lists the deviations from
CoreDNS. Knows nothing of servers, watches or time.
"""
import collections
import ipaddress

from api_objects import SERVICE_NAME
from model_dns import A, AAAA, CNAME, NOERROR, NXDOMAIN, PTR, SRV

ZONE = "cluster.local"
MISSING = (NXDOMAIN, set())
NODATA = (NOERROR, set())


def label_of(endpoint, address):
    return endpoint.get("hostname") or address.replace(".", "-").replace(":", "-")


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer


class Records:
    """What one Service has: its kind, cluster IPs, endpoints by label, ports."""

    def __init__(self, service, slices):
        spec = service["spec"]
        self.kind = "external" if spec["type"] == "ExternalName" else \
            "headless" if spec["clusterIP"] == "None" else "cluster"
        self.target = spec.get("externalName")
        self.cluster_ips = set(spec["clusterIPs"]) if self.kind == "cluster" else set()
        self.ports = [(p["name"], p["protocol"].lower(), p["port"]) for p in spec.get("ports") or []]
        self.labels = collections.defaultdict(set)    # label -> addresses
        self.targets = set()                          # (label, port's name, protocol, number)
        if self.kind != "external":
            for one in slices:
                self._take(one, spec.get("publishNotReadyAddresses", False))
        self.endpoints = set().union(*self.labels.values())

    def _take(self, one, publish_not_ready):
        ports = [(p["name"], p["protocol"].lower(), p["port"]) for p in one.get("ports") or []]
        for endpoint in one.get("endpoints") or []:
            if endpoint["conditions"].get("ready", True) is False and not publish_not_ready:
                continue
            for address in endpoint["addresses"]:
                label = label_of(endpoint, address)
                self.labels[label].add(address)
                self.targets |= {(label, *port) for port in ports}

    @property
    def addresses(self):
        return self.endpoints if self.kind == "headless" else self.cluster_ips

    def srv(self, base, name=None, protocol=None):
        if self.kind == "headless":
            return {(f"{label}.{base}", number) for label, n, p, number in self.targets
                    if name is None or (n, p) == (name, protocol)}
        return {(base, number) for n, p, number in self.ports if name is None or (n, p) == (name, protocol)}


def _of_family(addresses, qtype):
    return NOERROR, {a for a in addresses if (":" in a) == (qtype == AAAA)}


class Truth:
    """The objects by key, and the answers that follow."""

    def __init__(self):
        self.namespaces = set()
        self.services = {}                                # (namespace, name) -> object
        self.slices = collections.defaultdict(dict)       # (namespace, Service) -> name -> object
        self._records = {}
        self._holders = collections.defaultdict(set)      # address -> keys of Services

    def changed(self, key):
        """To be called when the Service `key` or a slice of it is not what it was."""
        before = self._records.pop(key, None)
        if before:
            for address in before.cluster_ips | before.endpoints:
                self._holders[address].discard(key)
        if key in self.services:
            now = self._records[key] = Records(self.services[key], self.slices[key].values())
            for address in now.cluster_ips | now.endpoints:
                self._holders[address].add(key)

    def records(self, key):
        return self._records.get(key)

    def visible(self, key):
        found = self._records.get(key)
        exists = found and key[0] in self.namespaces and (found.kind != "headless" or found.endpoints)
        return found if exists else None

    def service(self, key):
        """(question, answer) of the Service's own names: question is (qname, qtype)."""
        base, found = f"{key[1]}.{key[0]}.svc.{ZONE}", self.visible(key)
        if not found:
            return [((base, qtype), MISSING) for qtype in (A, AAAA, SRV)]
        if found.kind == "external":
            return [((base, CNAME), (NOERROR, {found.target})), ((f"any.{base}", A), MISSING)]
        return [((base, A), _of_family(found.addresses, A)), ((base, AAAA), _of_family(found.addresses, AAAA)),
                ((base, SRV), (NOERROR, found.srv(base)))]

    def port(self, key, name, protocol):
        base, found = f"{key[1]}.{key[0]}.svc.{ZONE}", self.visible(key)
        targets = found.srv(base, name, protocol) if found and found.kind != "external" else set()
        return (f"_{name}._{protocol}.{base}", SRV), (NOERROR, targets) if targets else MISSING

    def endpoint(self, key, label, qtype=A):
        base, found = f"{key[1]}.{key[0]}.svc.{ZONE}", self.visible(key)
        addresses = found.labels.get(label, set()) if found else set()
        return (f"{label}.{base}", qtype), _of_family(addresses, qtype) if addresses else MISSING

    def pointer(self, address):
        """A cluster IP has one name, an endpoint one for each of its labels."""
        names = set()
        for key in self._holders.get(address, ()):
            found, base = self._records[key], f"{key[1]}.{key[0]}.svc.{ZONE}"
            if address in found.cluster_ips:
                return (reverse(address), PTR), (NOERROR, {base})
            names |= {f"{label}.{base}" for label, has in found.labels.items() if address in has}
        return (reverse(address), PTR), (NOERROR, names) if names else MISSING

    def namespace(self, name):
        return (f"{name}.svc.{ZONE}", A), NODATA if name in self.namespaces else MISSING

    def labels_of(self, key):
        found = self._records.get(key)
        return set(found.labels) if found else set()

    def addresses_of(self, key):
        found = self._records.get(key)
        return found.cluster_ips | found.endpoints if found else set()


def slice_object(namespace, service, name, family, endpoints, ports):
    return {"metadata": {"name": name, "namespace": namespace, "labels": {
        SERVICE_NAME: service, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
        "addressType": family, "endpoints": endpoints or None,
        "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports] or None}
