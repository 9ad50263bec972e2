"""Random changes of a model cluster, each put into the API server's store and into the truth at once.

Every change is one that a real API server accepts: cluster IPs are unique, a hostname is a label, the
ports of a Service have names where there are several. Addresses and names are drawn from small pools,
so that they meet again: in other Services, in other slices, under a name that was deleted.
"""
from model_cluster import Truth, slice_object

NAMESPACES = [f"ns-{i}" for i in range(5)]
SERVICES = [f"svc-{i}" for i in range(8)]
PORTS = [("http", 80), ("https", 443), ("dns", 53), ("metrics", 9090)]
HOSTNAMES = ["web-0", "web-1", "db"]
POD_ADDRESSES = {"IPv4": [f"10.244.0.{i}" for i in range(1, 90)],
                 "IPv6": [f"fd00:244::{i:x}" for i in range(1, 40)]}
CLUSTER_IPS = {"IPv4": [f"10.96.0.{i}" for i in range(1, 120)],
               "IPv6": [f"fd00:96::{i:x}" for i in range(1, 60)]}
KINDS = ["ClusterIP", "ClusterIP", "None", "None", "None", "NodePort", "ExternalName"]
EXTERNAL = ["www.example.com", "db.example.org", "a.very.long.name.of.another.cluster.example.net"]


class Touched:
    """What a step may have changed the answers of."""

    def __init__(self):
        self.keys, self.labels, self.addresses, self.namespaces = set(), set(), set(), set()

    def add(self, other):
        for mine, its in ((self.keys, other.keys), (self.labels, other.labels),
                          (self.addresses, other.addresses), (self.namespaces, other.namespaces)):
            mine |= its


class Steps:
    """`told` of the changes is set by who injects faults: False, and no watch hears of them."""

    def __init__(self, store, random):
        self.store, self.random, self.truth, self.told = store, random, Truth(), True
        self.free = {family: list(pool) for family, pool in CLUSTER_IPS.items()}
        self.changes = [(self.change_slice, 40), (self.put_slice, 20), (self.delete_slice, 8),
                        (self.put_service, 14), (self.delete_service, 6), (self.switch_type, 6),
                        (self.toggle_publish, 3), (self.change_namespace, 3)]
        for name in NAMESPACES:
            self._put_namespace(name)

    def step(self):
        """One random change; what it touched."""
        change, = self.random.choices([c for c, _ in self.changes], [w for _, w in self.changes])
        touched = change()
        return touched if touched is not None else self.put_service()

    def questions(self, touched):
        """(question, answer) of all that was touched, as it should be now."""
        truth, found = self.truth, []
        for key in sorted(touched.keys):
            found += truth.service(key)
            found.append(truth.port(key, self.random.choice(PORTS)[0], "tcp"))
        for key, label in sorted(touched.labels):
            found.append(truth.endpoint(key, label, 28 if label.startswith("fd00") else 1))
        found += [truth.pointer(address) for address in sorted(touched.addresses)]
        found += [truth.namespace(name) for name in sorted(touched.namespaces)]
        return found

    def everything(self):
        """(question, answer) of every name that can be in this cluster."""
        touched = Touched()
        touched.namespaces = set(NAMESPACES)
        touched.keys = {(ns, name) for ns in NAMESPACES for name in SERVICES}
        touched.labels = {(key, label) for key in touched.keys
                          for label in self.truth.labels_of(key) | set(HOSTNAMES[:1])}
        for pool in (*POD_ADDRESSES.values(), *CLUSTER_IPS.values()):
            touched.addresses |= set(pool)
        return self.questions(touched)

    # Touching

    def _touching(self, key, change):
        """Makes the change to the Service `key` or its slices, and sees what was and is there."""
        touched, truth = Touched(), self.truth
        touched.keys = {key}
        labels, addresses = truth.labels_of(key), truth.addresses_of(key)
        change()
        truth.changed(key)
        moved = labels ^ truth.labels_of(key)
        some = sorted(labels & truth.labels_of(key))[:1]
        touched.labels = {(key, label) for label in [*sorted(moved)[:4], *some]}
        touched.addresses = set(sorted(addresses ^ truth.addresses_of(key))[:4])
        return touched

    def _some(self, keys):
        keys = sorted(keys)
        return self.random.choice(keys) if keys else None

    # Namespaces

    def _put_namespace(self, name):
        meta = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        self.store.put("namespaces", {"metadata": meta, "spec": {"finalizers": ["kubernetes"]},
                                      "status": {"phase": "Active"}}, self.told)
        self.truth.namespaces.add(name)

    def change_namespace(self):
        """Deleted with or without what is in it, or made again."""
        name, touched = self.random.choice(NAMESPACES), Touched()
        touched.namespaces = {name}
        touched.keys = {key for key in self.truth.services if key[0] == name}
        if name not in self.truth.namespaces:
            self._put_namespace(name)
            return touched
        if self.random.random() < 0.3:
            for key in sorted(touched.keys):
                for one in sorted(self.truth.slices[key]):
                    touched.add(self.remove_slice(key, one))
                touched.add(self.remove_service(key))
        self.store.delete("namespaces", "", name, self.told)
        self.truth.namespaces.discard(name)
        return touched

    # Services

    def _random_key(self):
        return self.random.choice(NAMESPACES), self.random.choice(SERVICES)

    def _spec(self, kind, publish):
        random = self.random
        if kind == "ExternalName":
            return {"type": kind, "externalName": random.choice(EXTERNAL), "sessionAffinity": "None"}
        chosen = random.sample(PORTS, random.choice([0, 1, 1, 2, 3] if kind == "None" else [1, 1, 2]))
        ports = [{"name": n, "protocol": "TCP", "port": p, "targetPort": p + 8000} for n, p in chosen]
        ips = ["None"]
        if kind != "None":
            families = random.choice([["IPv4"], ["IPv4"], ["IPv6"], ["IPv4", "IPv6"]])
            ips = [self._take_ip(family) for family in families]
        if kind == "NodePort":
            for port in ports:
                port["nodePort"] = 30000 + port["port"] % 2767
        return {"ports": ports, "clusterIP": ips[0], "clusterIPs": ips, "selector": {"app": "x"},
                "type": "ClusterIP" if kind == "None" else kind, "sessionAffinity": "None",
                **({"publishNotReadyAddresses": True} if publish else {})}

    def _take_ip(self, family):
        pool = self.free[family]
        return pool.pop(self.random.randrange(len(pool)))

    def _give_back(self, service):
        for ip in service["spec"].get("clusterIPs", []) if service else []:
            if ip != "None":
                self.free["IPv6" if ":" in ip else "IPv4"].append(ip)

    def _write_service(self, key, spec):
        before = self.truth.services.get(key)
        service = {"metadata": {"name": key[1], "namespace": key[0], "labels": {"app": "x"}}, "spec": spec}

        def change():
            self.store.put("services", service, self.told)
            self.truth.services[key] = service
        touched = self._touching(key, change)
        if before and before["spec"].get("clusterIPs") != spec.get("clusterIPs"):
            self._give_back(before)
        return touched

    def _kind(self):
        return self.random.choice(KINDS)

    def put_service(self):
        """A new one, or one whose ports and addresses change."""
        key = self._random_key()
        before = self.truth.services.get(key)
        if before is None:
            return self._write_service(key, self._spec(self._kind(), self.random.random() < 0.2))
        spec = dict(before["spec"])
        if spec["type"] == "ExternalName":
            spec["externalName"] = self.random.choice(EXTERNAL)
        else:
            chosen = self.random.sample(PORTS, self.random.choice([1, 2]))
            spec["ports"] = [{"name": n, "protocol": "TCP", "port": p + self.random.randrange(2),
                              "targetPort": p} for n, p in chosen]
        return self._write_service(key, spec)

    def switch_type(self):
        key = self._some(self.truth.services)
        return key and self._write_service(key, self._spec(self._kind(), self.random.random() < 0.2))

    def toggle_publish(self):
        key = self._some(k for k, s in self.truth.services.items() if s["spec"]["type"] != "ExternalName")
        if key is None:
            return None
        spec = dict(self.truth.services[key]["spec"])
        spec["publishNotReadyAddresses"] = not spec.get("publishNotReadyAddresses", False)
        return self._write_service(key, spec)

    def remove_service(self, key):
        def change():
            self.store.delete("services", *key, self.told)
            self._give_back(self.truth.services.pop(key))
        return self._touching(key, change)

    def delete_service(self):
        """With or without its slices, sometimes to be made again at once as something else."""
        key = self._some(self.truth.services)
        if key is None:
            return None
        touched = self.remove_service(key)
        if self.random.random() < 0.5:
            for one in sorted(self.truth.slices[key]):
                touched.add(self.remove_slice(key, one))
        if self.random.random() < 0.4:
            touched.add(self._write_service(key, self._spec(self._kind(), False)))
        return touched

    # EndpointSlices

    def _endpoint(self, family):
        random = self.random
        conditions = random.choice([
            {"ready": True}, {"ready": True, "serving": True, "terminating": False}, {"ready": True}, {},
            {"ready": False, "serving": False, "terminating": False},
            {"ready": False, "serving": True, "terminating": True}])
        endpoint = {"addresses": [random.choice(POD_ADDRESSES[family])], "conditions": conditions,
                    "targetRef": {"kind": "Pod", "name": f"pod-{random.randrange(99)}"}, "nodeName": "node-a",
                    "zone": "zone-a"}
        if random.random() < 0.3:
            endpoint["hostname"] = random.choice(HOSTNAMES)
        return endpoint

    def _write_slice(self, key, name, family, endpoints, ports):
        one = slice_object(key[0], key[1], name, family, endpoints, ports)

        def change():
            self.store.put("endpointslices", one, self.told)
            self.truth.slices[key][name] = one
        return self._touching(key, change)

    def put_slice(self):
        """One of the three that a Service may have, of either family; of a Service that may not exist."""
        key, random = self._random_key(), self.random
        if random.random() < 0.9:
            key = self._some(self.truth.services) or key
        number = random.randrange(3)
        family = "IPv6" if number == 2 else "IPv4"
        chosen = random.sample(PORTS, random.choice([0, 1, 1, 2]))
        endpoints = [self._endpoint(family) for _ in range(random.randrange(4))]
        ports = [(n, p + 8000) for n, p in chosen]
        return self._write_slice(key, f"{key[1]}-{number}", family, endpoints, ports)

    def change_slice(self):
        """A pod becomes ready or not, comes or goes."""
        key = self._some(k for k, held in self.truth.slices.items() if held)
        if key is None:
            return self.put_slice()
        name = self._some(self.truth.slices[key])
        old = self.truth.slices[key][name]
        endpoints = [dict(e) for e in old["endpoints"] or []]
        what = self.random.random()
        if endpoints and what < 0.6:
            chosen = self.random.choice(endpoints)
            chosen["conditions"] = {"ready": chosen["conditions"].get("ready", True) is False}
        elif endpoints and what < 0.75:
            endpoints.remove(self.random.choice(endpoints))
        elif len(endpoints) < 4:
            endpoints.append(self._endpoint(old["addressType"]))
        ports = [(p["name"], p["port"]) for p in old["ports"] or []]
        return self._write_slice(key, name, old["addressType"], endpoints, ports)

    def remove_slice(self, key, name):
        def change():
            self.store.delete("endpointslices", key[0], name, self.told)
            del self.truth.slices[key][name]
        return self._touching(key, change)

    def delete_slice(self):
        key = self._some(k for k, held in self.truth.slices.items() if held)
        return key and self.remove_slice(key, self._some(self.truth.slices[key]))
