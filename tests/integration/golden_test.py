"""The reference answers: nine Corefiles over one set of objects, 4,149 queries each.

The set is found by KERYX_GOLDEN, by default ../shared/golden beside the checkout. NSD is the
upstream. Its own `ask.py` asks and compares, over TCP and over UDP with EDNS; the sample over UDP
without EDNS is asked here.
"""
import concurrent.futures
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import wire
from harness import Skip, check, equal
from keryx import Keryx
from nsd import Nsd


def find_set(t):
    given = os.environ.get("KERYX_GOLDEN")
    folder = pathlib.Path(given) if given else t.root.parent / "shared/golden"
    if not (folder / "spec/objects.json").is_file():
        raise Skip(f"no golden set in {folder} (KERYX_GOLDEN names another place)")
    return folder.resolve()


def corefile(text, objects, upstream_port):
    """The recorded Corefile with our objects, any free port, and the upstream of this run."""
    text = re.sub(r"^\.:\d+ \{", ". {", text)
    text = re.sub(r"endpoint \S+", f"manifests {objects}", text)
    return re.sub(r"(forward \. 127\.0\.0\.1):\d+", rf"\1:{upstream_port}", text)


def answers_of(golden, name):
    with gzip.open(golden / f"spec/{name}.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def is_loop(want):
    """Every record is a CNAME whose target owns another: no order puts each before its target."""
    fields = [x.split() for x in want["answer"]]
    owners = {x[0] for x in fields}
    return len(owners) > 1 and all(x[2] == "CNAME" and x[3] in owners for x in fields)


def compare(golden, name, k, transport):
    """All of ask.py; the CNAME loops, in whose order it sees a fault, are compared by loops()."""
    looping = sorted({w["qname"] for w in answers_of(golden, name) if is_loop(w)})
    with tempfile.NamedTemporaryFile("w") as allowed:
        allowed.write("".join(f"{qname} * a loop has no first record\n" for qname in looping))
        allowed.flush()
        done = subprocess.run(
            [sys.executable, str(golden / "ask.py"), f"127.0.0.1:{k.port}", "--show", "2", "--compare",
             str(golden / f"spec/{name}.jsonl.gz"), "--allow", allowed.name, *transport],
            capture_output=True, text=True, timeout=600, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-500:]])[-1]
    check(done.returncode == 0 and last.endswith(" 0 differ"), f"{done.stdout}{done.stderr}"[-1500:])


def loops(golden, name, k):
    """The CNAME of the name that was asked comes first, then once round."""
    for want in filter(is_loop, answers_of(golden, name)):
        got = k.tcp(want["qname"], want["qtype"])
        equal(texts(got.answer), want["answer"], f"{want['qname']} {want['qtype']}")
        equal(got.answer[0].owner, want["qname"], "first owner")
        equal(got.rcode_text, want["rcode"], "rcode")


def texts(section):
    """Records in the form that the golden set has them: sorted, serial and weight masked."""
    out = []
    for rr in section:
        owner = rr.owner.lower()
        if rr.rtype in (1, 28):
            out.append(f"{owner} {rr.ttl} {'A' if rr.rtype == 1 else 'AAAA'} {rr.address()}")
        elif rr.rtype in (2, 5, 12):
            kind = {2: "NS", 5: "CNAME", 12: "PTR"}[rr.rtype]
            out.append(f"{owner} {rr.ttl} {kind} {rr.target().lower()}")
        elif rr.rtype == 33:
            port = int.from_bytes(rr.rdata[4:6], "big")
            out.append(f"{owner} {rr.ttl} SRV 0 WEIGHT {port} {rr.target().lower()}")
    return sorted(out)


def plain_udp_sample(golden, name, k):
    """Every seventh query over UDP without EDNS: at most 512 octets; all of it, or TC and a part."""
    compared = 0
    for want in answers_of(golden, name)[::7]:
        qname, qtype = want["qname"], want["qtype"]
        if qtype not in wire.TYPES or "\\" in qname:
            continue
        got = k.udp(qname, qtype)
        check(got is not None, f"{qname} {qtype}: no reply")
        check(got.size <= 512, f"{qname} {qtype}: {got.size} octets")
        check(got.edns is None, f"{qname} {qtype}: OPT without being asked for")
        if got.flags & wire.TC:
            got = k.tcp(qname, qtype)
        check(got.rcode_text == want["rcode"],
              f"{qname} {qtype}: {got.rcode_text}, want {want['rcode']}")
        kinds = (" A ", " AAAA ", " NS ", " CNAME ", " PTR ", " SRV ")
        answer = [x for x in want["answer"] if any(k in x for k in kinds)]
        check(texts(got.answer) == answer, f"{qname} {qtype}: {texts(got.answer)}, want {answer}")
        compared += 1
    check(compared > 400, f"only {compared} queries in the sample")


def run_one(t, golden, name, upstream_port):
    text = corefile((golden / f"spec/Corefile.{name}").read_text(),
                    golden / "spec/objects.json", upstream_port)
    with Keryx(t, text) as k:
        with t.case(f"{name} over TCP"):
            compare(golden, name, k, [])
        with t.case(f"{name} over UDP"):
            compare(golden, name, k, ["--udp"])
        with t.case(f"{name}, CNAME loops"):
            loops(golden, name, k)
        if name == "kubeadm":
            with t.case(f"{name}, a sample over UDP without EDNS"):
                plain_udp_sample(golden, name, k)


def run(t):
    golden = find_set(t)
    names = sorted(p.name.removeprefix("Corefile.") for p in golden.glob("spec/Corefile.*"))
    if t.quick:
        names = ["kubeadm"]
    zones = {".": golden / "upstream/root.zone", "example.com": golden / "upstream/example.com.zone"}
    # Two at a time: asking costs more than answering.
    with Nsd(zones) as upstream, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(run_one, t, golden, name, upstream.port) for name in names]:
            done.result()
