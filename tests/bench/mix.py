"""The mix of questions that a cluster with ndots:5 asks, and the cluster that answers it.

It follows from what clients look up. glibc and musl ask A and AAAA for each name; a name of fewer than
five dots goes along the search path first (its namespace, svc, the cluster), which is NXDOMAIN until
the right one. Of 100 look-ups

    35  are of a Service in the client's namespace (`svc`): the first try answers
    20  are of one in another (`svc.ns`): the second does
     5  are of a full name without final dot (`svc.ns.svc.cluster.local`): the fourth
    30  are of a name outside (`api.example.com`): three tries are denied; the last is the case `cached`
     5  are of a headless Service of 20 pods, in the client's namespace (databases, gRPC)
     2  are of an ExternalName, whose target is cached; IPv4 only
     4  are PTR (logs, access lists): half cluster IPs, half pods
     2  are SRV of a named port

which makes 64 % NXDOMAIN, and 32 % A and AAAA of Services.
"""
import random

import clusters

LOOKUPS = 20_000
SERVICES, HEADLESS, PODS, EXTERNAL_NAMES, OUTSIDE = 10_000, 500, 20, 200, 1_000
SHARES = {"own": 35, "other": 20, "full": 5, "outside": 30, "headless": 5, "external": 2, "ptr": 4, "srv": 2}
ABOUT = ("A, AAAA NODATA, NXDOMAIN by search path, headless of 20, ExternalName to a cached name, PTR, SRV, as "
         "ndots:5 makes them")


def write(folder):
    """objects.json, questions.txt; a name that answers."""
    items = [clusters.namespace(f"ns-{i}") for i in range(100)]
    for i in range(SERVICES):
        items.append(clusters.service(*clusters.place(i), clusters.cluster_ip(i)))
    for i in range(HEADLESS):
        name, space = headless(i)
        items += [clusters.service(name, space, "None"), clusters.endpoint_slice(name, space, pods(i))]
    for i in range(EXTERNAL_NAMES):
        items.append(clusters.external_name(*external(i), f"target-{i}.bench.example"))
    clusters.write_objects(folder, items)
    clusters.write_lines(folder, "questions.txt", questions())
    return clusters.qname(*clusters.place(0))


def headless(i):
    return f"set-{i}", f"ns-{i % 100}"


def pods(i):
    return [clusters.pod_ip(i * PODS + k) for k in range(PODS)]


def external(i):
    return f"outside-{i}", f"ns-{i % 100}"


def both(name, answers):
    return [f"{name} A NOERROR {answers}", f"{name} AAAA NOERROR 0"]


def denied(name, space, tries):
    """The first tries along the search path of a client in `space`."""
    search = [f"{space}.svc.{clusters.DOMAIN}", f"svc.{clusters.DOMAIN}", clusters.DOMAIN]
    return [f"{name}.{domain} {qtype} NXDOMAIN 0" for domain in search[:tries] for qtype in ("A", "AAAA")]


def look_up(kind, rng):
    name, space = clusters.place(rng.randrange(SERVICES))
    elsewhere = f"ns-{rng.randrange(100)}"
    found = clusters.qname(name, space)
    if kind == "own":
        return both(found, 1)
    if kind == "other":
        return denied(f"{name}.{space}", elsewhere, 1) + both(found, 1)
    if kind == "full":
        return denied(found, elsewhere, 3) + both(found, 1)
    if kind == "outside":
        return denied(f"host-{rng.randrange(OUTSIDE)}.bench.example", elsewhere, 3)
    if kind == "headless":
        return both(clusters.qname(*headless(rng.randrange(HEADLESS))), PODS)
    if kind == "external":
        return [f"{clusters.qname(*external(rng.randrange(EXTERNAL_NAMES)))} A NOERROR 2"]
    if kind == "ptr":
        pod = rng.choice(pods(rng.randrange(HEADLESS)))
        address = rng.choice([clusters.cluster_ip(rng.randrange(SERVICES)), pod])
        return [f"{clusters.reverse(address)} PTR NOERROR 1"]
    return [f"_http._tcp.{found} SRV NOERROR 1"]


def questions():
    rng = random.Random(1)
    kinds = rng.choices(list(SHARES), weights=list(SHARES.values()), k=LOOKUPS)
    return [line for kind in kinds for line in look_up(kind, rng)]


def shares(lines):
    """Per cent of what is asked, by what comes back."""
    counts = {}
    for line in lines:
        name, qtype, rcode, answers = line.split()
        kind = ("NXDOMAIN" if rcode == "NXDOMAIN" else "NODATA" if answers == "0" else
                "headless" if int(answers) == PODS else "ExternalName" if answers == "2" else qtype)
        counts[kind] = counts.get(kind, 0) + 1
    return {kind: 100 * count / len(lines) for kind, count in sorted(counts.items(), key=lambda c: -c[1])}
