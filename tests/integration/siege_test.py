"""A client that behaves well, beside hostile ones: each of its queries is answered, and soon.

Malformed packets and random names come as fast as half of what the server can do, some thousands a
second at most: other suites run beside this one. tests/bench/run.sh siege has the true figures.
"""
import pathlib
import socket
import threading

import cluster
import wire
from harness import Skip, check, equal
from keryx import Keryx, run_to_end
from load_tool import load_tool
from scrape import Scrape, fetch
from upstream import Upstream

FILES = {"objects.json": cluster.OBJECTS}
QUESTIONS = ["web.prod.svc.cluster.local A NOERROR 1", "db.prod.svc.cluster.local A NOERROR 2",
             "_http._tcp.web.prod.svc.cluster.local SRV NOERROR 1", "nope.prod.svc.cluster.local A NXDOMAIN 0",
             "1.1.96.10.in-addr.arpa PTR NOERROR 1"]
ASKED, SECONDS = 1000, 3
MOST_HOSTILE = 15_000  # packets a second
DRIPS = 500
SLOWEST = 500_000      # microseconds, the 99th percentile


def half_of_capacity(k, load):
    rate = load(k.port, QUESTIONS, seconds=0.5)["rate"] / 2
    return round(max(1000, min(rate, MOST_HOSTILE)))


def siege(t, k, load, rate, *kinds):
    """The well-behaved client has all its answers."""
    got = load(k.port, QUESTIONS, seconds=SECONDS, rate=ASKED, hostile=rate, hostile_kinds=",".join(kinds), drips=DRIPS)
    print(f"   siege: {got['answers']} answers, 99 % within {got['p99_us'] / 1000:.1f} ms, beside "
          f"{got['hostile_rate']:.0f} packets a second: {', '.join(kinds)}")
    check(got["hostile"] > 100 and got["hostile_connections"] >= DRIPS, f"no siege: {got}")
    check(got["answers"] > ASKED * SECONDS / 2, f"the load was held up: {got}")
    check(got["wrong"] == 0, f"wrong answers: {got}")
    check(got["lost"] == 0, f"lost: {got}; {overflows(k)}")
    check(got["p99_us"] < SLOWEST * t.slack, f"slow: {got}")


def overflows(k):
    address, port = k.http["/metrics"][0]
    return f"{Scrape(fetch(port, address)).sum('keryx_udp_overflows_total'):.0f} datagrams found the queue full"


def busy(t, up, load):
    """The queue is hardly ever empty, and never long."""
    with Keryx(t, cluster.corefile(up.port, "prometheus 127.0.0.1:0"), FILES, ("-dns.port", "0", "-workers", "1")) as k, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        asker = threading.Thread(target=load, args=(k.port, QUESTIONS), kwargs={"in_flight": 250, "seconds": SECONDS})
        asker.start()
        forwards = 0
        while asker.is_alive():
            sock.sendto(wire.query("www.example.com."), (k.address, k.port))
            equal(wire.parse(sock.recv(2048)).rcode_text, "NOERROR", "a forward")
            forwards += 1
        asker.join()
        check(forwards > 100, f"only {forwards} forwards")
        address, port = k.http["/metrics"][0]
        equal(Scrape(fetch(port, address)).sum("keryx_shed_forwards_total"), 0, "forwards that were refused")


def knows_ratelimit(t):
    status, out, _ = run_to_end(t, ["-plugins"])
    return status == 0 and "ratelimit" in out


def run(t):
    if t.slack > 1:
        raise Skip("a build with sanitizers is no match for floods")
    with load_tool(t.root) as load, Upstream(cluster.world) as up:
        with Keryx(t, cluster.corefile(up.port, "prometheus 127.0.0.1:0"), FILES) as k:
            with t.case("there is room for descriptors from the start, since growth holds up all threads"):
                status = pathlib.Path(f"/proc/{k.process.pid}/status").read_text()
                size = int(status.split("FDSize:")[1].split()[0])
                check(size >= 1024, f"room for {size}")
            with t.case(f"malformed packets, one client's random names of the cluster, {DRIPS} dripping connections"):
                siege(t, k, load, half_of_capacity(k, load), "malformed", "default.svc.cluster.local")
        with t.case("clients that ask again at once are no overload: no forward is refused"):
            busy(t, up, load)
        with t.case("random names outside of the cluster, where clients have limits"):
            if not knows_ratelimit(t):
                raise Skip("this server has no ratelimit")
            limits = "ratelimit 2000 {\n over drop\n forwards 50\n }\n prometheus 127.0.0.1:0"
            with Keryx(t, cluster.corefile(up.port, limits), FILES) as k:
                siege(t, k, load, MOST_HOSTILE, "example.com")
