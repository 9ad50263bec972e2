#!/usr/bin/env python3
"""Writes a cluster of N ClusterIP Services for the bench, three times: as a Kubernetes List
(objects.json), as the zone file that answers the same (cluster.zone), and their names (names.txt).

usage: make_cluster.py SERVICES FOLDER
"""
import json
import pathlib
import sys


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    names, items, zone = [], [], [
        "$ORIGIN cluster.local.", "@ 30 IN SOA ns.dns hostmaster 1 7200 1800 86400 30", "@ 30 IN NS ns.dns",
        "ns.dns 30 IN A 10.96.0.10"]
    for i in range(count):
        service, namespace = f"svc-{i}", f"ns-{i % 100}"
        address = f"10.{96 + i // 60000}.{i // 250 % 240 + 1}.{i % 250 + 1}"
        items.append({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": namespace},
            "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address],
                     "selector": {"app": service},
                     "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]}})
        zone.append(f"{service}.{namespace}.svc 30 IN A {address}")
        names.append(f"{service}.{namespace}.svc.cluster.local")
    listing = {"apiVersion": "v1", "kind": "List", "items": items}
    (folder / "objects.json").write_text(json.dumps(listing, separators=(",", ":")))
    (folder / "cluster.zone").write_text("\n".join(zone) + "\n")
    (folder / "names.txt").write_text("\n".join(names) + "\n")


if __name__ == "__main__":
    main()
