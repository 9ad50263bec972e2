#!/usr/bin/env python3
"""Writes a cluster of N ClusterIP Services, as the bench has it: as a Kubernetes List (objects.json), as
the zone file that answers the same (cluster.zone), and their names (names.txt).

usage: make_cluster.py SERVICES FOLDER
"""
import pathlib
import sys

import clusters


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    clusters.write_cluster_ips(folder, count)
    clusters.write_lines(folder, "names.txt", [clusters.qname(*clusters.place(i)) for i in range(count)])


if __name__ == "__main__":
    main()
