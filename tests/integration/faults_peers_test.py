"""Upstreams that are there and do nothing: NSD and Unbound stopped by SIGSTOP, and set going again.

Cluster names and forwarded ones are asked for all the while. (The API server: suite `kubernetes`.)
"""
import contextlib
import time

from daemon import Unbound
from faults_world import LONGEST, OBJECTS, Outside, cluster_names, metric, stopped, zone
from harness import check, equal, until
from keryx import Keryx
from nsd import Nsd

STOPPED = 6.0       # seconds: longer than a client waits
BACK = 5.0          # seconds after SIGCONT
COREFILE = """
. {{
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:0
    kubernetes cluster.local {{
        manifests objects.json
    }}
    forward example.org 127.0.0.1:{alone}
    forward example.net 127.0.0.1:{first} 127.0.0.1:{second} {{
        policy sequential
    }}
    }}
"""


def pause(t, process, *askers):
    """Stops it for a while; when it was stopped and set going, and that all askers are well again."""
    with stopped(process.pid):
        at = time.monotonic()
        time.sleep(STOPPED)     # it is about what happens meanwhile
        end = time.monotonic()
    until(lambda: all(x.last_are_good() for x in askers), "good answers again", BACK * t.slack)
    return at, end


def the_only_one(t, k, nsd, alone, others):
    with t.case(f"the only upstream is stopped for {STOPPED:g} s: SERVFAIL in {LONGEST} s, all else goes on; "
                f"set going, it is used again within {BACK:g} s"), cluster_names(t, k):
        at, end = pause(t, nsd.process, alone, others)
        during = alone.since(at + 0.1, end - LONGEST / 2)
        failed = alone.honest(t, during)
        print(f"   stopped: {failed} of {len(during)} SERVFAIL, slowest {max(x.took for x in during):.2f} s", flush=True)
        check(failed > 0, "nothing has failed: it was not stopped")
        alone.honest(t)
        equal(others.honest(t), 0, "failures of the other zone")


def one_of_two(t, k, unbound, alone, others):
    with t.case(f"the first of two upstreams is stopped for {STOPPED:g} s: the other one answers, no SERVFAIL; "
                f"set going, it is up again within {BACK:g} s"), cluster_names(t, k):
        to = f"127.0.0.1:{unbound.port}"
        at, end = pause(t, unbound.process, alone, others)
        during = others.since(at, end)
        equal(others.honest(t, during), 0, "SERVFAIL")
        print(f"   one of two stopped: slowest of {len(during)} {max(x.took for x in during):.2f} s", flush=True)
        until(lambda: metric(k, "keryx_upstream_down", to=to) == 0, "the upstream to be up", BACK * t.slack)
        before = metric(k, "keryx_upstream_queries_total", to=to)
        until(lambda: metric(k, "keryx_upstream_queries_total", to=to) > before + 10, "questions for it", BACK * t.slack)
        equal(alone.honest(t, alone.since(at)), 0, "failures of the other zone")


def run(t):
    with contextlib.ExitStack() as stack:
        alone, second = (stack.enter_context(Nsd({name: zone(name)})) for name in ("example.org.", "example.net."))
        unbound = stack.enter_context(Unbound("example.net", [second.port]))
        corefile = COREFILE.format(alone=alone.port, first=unbound.port, second=second.port)
        k = stack.enter_context(Keryx(t, corefile, OBJECTS))
        until(lambda: k.http, "HTTP", 10)
        askers = [stack.enter_context(Outside(k.address, k.port, name)) for name in ("example.org", "example.net")]
        until(lambda: all(x.last_are_good() for x in askers), "good answers", 10 * t.slack)
        the_only_one(t, k, alone, *askers)
        one_of_two(t, k, unbound, *askers)
