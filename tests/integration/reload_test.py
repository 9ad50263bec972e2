"""`reload` and SIGUSR1: what a changed Corefile changes, what it keeps, and what a bad one does."""
import signal
import threading
import time

import cluster
import wire
from harness import check, equal, free_port, until
from keryx import Keryx
from upstream import Upstream, reply

FILES = {"objects.json": cluster.OBJECTS}
HOSTED = "hosted.example."
TXT = 'template IN TXT example.org {\n answer "{{ .Name }} 5 IN TXT %s"\n}\n'


def corefile(address, upstream=9, extra="", ttl=30, forward=""):
    """`address` is what the hosts table has; everything else may stay as it is."""
    return f"""
. {{
    bind 127.0.0.1
    errors
    hosts {{
        {address} {HOSTED}
        fallthrough
    }}
    kubernetes cluster.local {{
        manifests objects.json
        ttl {ttl}
    }}
    forward . 127.0.0.1:{upstream} {forward}
    {extra}
}}
"""


def write(k, text):
    """As a ConfigMap is swapped: a new file in the place of the old."""
    new = k.folder / "Corefile.new"
    new.write_text(text)
    new.rename(k.folder / "Corefile")


def lines(k, part):
    return sum(part in line for line in k.lines)


def reload(k, text=None):
    if text is not None:
        write(k, text)
    done = lines(k, "Reloading complete")
    k.process.send_signal(signal.SIGUSR1)
    until(lambda: lines(k, "Reloading complete") > done, f"the reload in {k.output()}", 10 * k.t.slack)


def hosted(k):
    got = k.udp(HOSTED)
    return got.addresses() if got else None


def until_hosted(k, address, seconds=10):
    until(lambda: hosted(k) == [address], f"{address}, while there is {hosted(k)}: {k.output()}", seconds * k.t.slack)


def by_signal(t):
    with Keryx(t, corefile("192.0.2.1"), FILES) as k:
        with t.case("SIGUSR1 loads the Corefile as it is now"):
            equal(hosted(k), ["192.0.2.1"])
            reload(k, corefile("192.0.2.2"))
            until_hosted(k, "192.0.2.2")
            equal(k.udp(cluster.SERVICE).addresses(), ["10.96.1.1"])
        with t.case("a TTL of the kubernetes block changes with it"):
            reload(k, corefile("192.0.2.2", ttl=7))
            until(lambda: k.udp(cluster.SERVICE).answer[0].ttl == 7, "the new TTL")
        with t.case("a bad Corefile is refused, with file and line, and changes nothing"):
            write(k, corefile("192.0.2.3", extra="nonsense"))
            k.process.send_signal(signal.SIGUSR1)
            until(lambda: lines(k, "reload failed"), "a complaint", 10)
            line = next(x for x in k.lines if "reload failed" in x)
            check("[ERROR] plugin/reload: Corefile changed but reload failed: " in line, line)
            check("Corefile:" in line and "nonsense" in line, line)
            equal(hosted(k), ["192.0.2.2"])
        with t.case("who asks for the same file again is told again"):
            k.process.send_signal(signal.SIGUSR1)
            until(lambda: lines(k, "reload failed") == 2, "a second complaint", 10)
        with t.case("a Corefile that has gone is refused, and changes nothing"):
            (k.folder / "Corefile").unlink()
            k.process.send_signal(signal.SIGUSR1)
            until(lambda: lines(k, "reload failed") == 3, "a complaint", 10)
            equal(hosted(k), ["192.0.2.2"])
        with t.case("and a good one is taken again"):
            reload(k, corefile("192.0.2.4"))
            until_hosted(k, "192.0.2.4")


def by_interval(t):
    plugin = "reload 2s 0s"
    with Keryx(t, corefile("192.0.2.1", extra=plugin), FILES) as k:
        with t.case("a changed file is noticed within the interval; the log says which one runs, from the start"):
            running = "[INFO] plugin/reload: Running configuration SHA512 = "
            until(lambda: lines(k, running) == 1, "the line about the first")
            write(k, corefile("192.0.2.2", extra=plugin))
            until_hosted(k, "192.0.2.2")
            until(lambda: lines(k, running) == 2, "the line about the second")
            equal(len({x for x in k.lines if running in x}), 2, "different Corefiles")
        with t.case("another comment is no change"):
            done = lines(k, "Reloading")
            write(k, "# a comment\n" + corefile("192.0.2.2", extra=plugin))
            time.sleep(2.5)  # a period and more: what is to be seen is that nothing happens
            equal(lines(k, "Reloading"), done, "lines about reloading")
        with t.case("a bad file is complained about once"):
            write(k, corefile("192.0.2.3", extra=plugin + "\nnonsense"))
            until(lambda: lines(k, "reload failed"), "a complaint", 10)
            time.sleep(2.5)
            equal(lines(k, "reload failed"), 1, "complaints")
            equal(hosted(k), ["192.0.2.2"])
        with t.case("put back and made bad again, it is tried again"):
            write(k, corefile("192.0.2.2", extra=plugin))
            time.sleep(2.5)
            write(k, corefile("192.0.2.3", extra=plugin + "\nnonsense"))
            until(lambda: lines(k, "reload failed") == 2, "a second complaint", 10)
        with t.case("a changed import is noticed"):
            write(k, corefile("192.0.2.2", extra=plugin + "\nimport more.override"))
            (k.folder / "more.override").write_text(TXT % "one")
            until(lambda: k.udp("example.org.", "TXT").answer, "the import", 10 * t.slack)
            (k.folder / "more.override").write_text(TXT % "two")
            until(lambda: k.udp("example.org.", "TXT").answer[0].rdata == b"\x03two", "its change", 10 * t.slack)


def answer(query, _tcp):
    qname, qtype, qclass = query.questions[0]
    return reply(query, wire.record(qname, "A", 1, 300, bytes([198, 51, 100, 7])), 1)


def what_is_kept(t):
    with Upstream(answer) as up:
        text = corefile("192.0.2.1", up.port, "cache 300")
        with Keryx(t, text, FILES) as k:
            k.udp("kept.example.org.")
            before = len(up.asked)
            with t.case("the cache outlives a reload that leaves cache and forward as they were"):
                reload(k, corefile("192.0.2.2", up.port, "cache 300\n    loadbalance"))
                until_hosted(k, "192.0.2.2")
                equal(k.udp("kept.example.org.").addresses(), ["198.51.100.7"])
                equal(len(up.asked), before, "questions upstream")
            with t.case("with other upstreams it begins anew"):
                reload(k, corefile("192.0.2.3", up.port, "cache 300", forward="{\n policy sequential\n }"))
                until_hosted(k, "192.0.2.3")
                equal(k.udp("kept.example.org.").addresses(), ["198.51.100.7"])
                equal(len(up.asked), before + 1, "questions upstream")


def what_waits(t):
    release = threading.Event()

    def slow(query, tcp):
        if query.questions[0][0].startswith("slow"):
            release.wait(10)
        return answer(query, tcp)

    with Upstream(slow) as up, Keryx(t, corefile("192.0.2.1", up.port), FILES) as k:
        sock = wire.open_tcp(k.address, k.port)
        with t.case("who waits for an upstream gets the reply, over UDP and TCP, from before the reload"):
            got = []
            asking = threading.Thread(target=lambda: got.append(k.udp("slow.example.org.", timeout=10)))
            asking.start()
            octets = wire.query("slower.example.org.")
            sock.sendall(wire.frame(octets))
            until(lambda: any(name.startswith("slow") for name, _, _ in up.asked), "a question upstream")
            reload(k, corefile("192.0.2.2", up.port + 1))
            until_hosted(k, "192.0.2.2")
            release.set()
            asking.join()
            check(got and got[0], "no reply over UDP")
            equal(got[0].addresses(), ["198.51.100.7"])
            equal(wire.parse(wire.read_frame(sock)).addresses(), ["198.51.100.7"])
        with t.case("a connection from before is served as the new Corefile says"):
            octets = wire.query(HOSTED)
            sock.sendall(wire.frame(octets))
            equal(wire.parse(wire.read_frame(sock)).addresses(), ["192.0.2.2"])
        sock.close()


def addresses(t):
    port = free_port()
    more = f"other.example:{port} {{\n    bind 127.0.0.1\n    hosts {{\n 192.0.2.9 a.other.example\n }}\n}}\n"
    with Keryx(t, corefile("192.0.2.1"), FILES) as k:
        asked = wire.query("a.other.example.")
        with t.case("a block more: its address is served"):
            reload(k, corefile("192.0.2.1") + more)
            got = until(lambda: wire.ask_udp("127.0.0.1", port, asked, 0.5), "an answer there")
            equal(wire.parse(got).addresses(), ["192.0.2.9"])
            equal(wire.parse(wire.ask_tcp("127.0.0.1", port, asked, 5)).addresses(), ["192.0.2.9"])
            equal(hosted(k), ["192.0.2.1"])
        with t.case("a block less: its address is closed, for UDP and TCP"):
            reload(k, corefile("192.0.2.1"))
            until(lambda: refused(port), "connections to be refused", 10 * t.slack)
            equal(hosted(k), ["192.0.2.1"])
        with t.case("from one address to all, and back"):
            everywhere = corefile("192.0.2.2").replace("    bind 127.0.0.1\n", "")
            reload(k, everywhere)
            until_hosted(k, "192.0.2.2")
            got = wire.ask_udp("127.0.0.2", k.port, wire.query(HOSTED), 5)
            equal(wire.parse(got).addresses(), ["192.0.2.2"])
            reload(k, corefile("192.0.2.1"))
            until_hosted(k, "192.0.2.1")
        with t.case("an address that another process has: refused, and nothing changes"), \
                Upstream(answer, port=port):
            write(k, corefile("192.0.2.5") + more)
            k.process.send_signal(signal.SIGUSR1)
            until(lambda: lines(k, "is another DNS server running"), "a complaint", 10)
            equal(hosted(k), ["192.0.2.1"])


def in_a_row(t):
    release = threading.Event()

    def slow(query, tcp):
        if query.questions[0][0].startswith("slow"):
            release.wait(10)
        return answer(query, tcp)

    port = free_port()
    more = f"other.example:{port} {{\n    bind 127.0.0.1\n    hosts {{\n 192.0.2.9 a.other.example\n }}\n}}\n"
    with Upstream(slow) as up, Keryx(t, corefile("192.0.2.1", up.port) + more, FILES) as k:
        with t.case("an address comes back while somebody waits for an upstream of before"):
            got = []
            asking = threading.Thread(target=lambda: got.append(k.udp("slow.example.org.", timeout=10)))
            asking.start()
            until(lambda: any(name.startswith("slow") for name, _, _ in up.asked), "a question upstream")
            reload(k, corefile("192.0.2.2", up.port))
            reload(k, corefile("192.0.2.3", up.port) + more)
            until_hosted(k, "192.0.2.3")
            release.set()
            asking.join()
            check(got and got[0], "no reply to who waited")
            for _ in range(20):
                check(wire.ask_udp("127.0.0.1", port, wire.query("a.other.example."), 5), "no reply")


def refused(port):
    try:
        wire.open_tcp("127.0.0.1", port).close()
        return False
    except ConnectionRefusedError:
        return True


def run(t):
    by_signal(t)
    by_interval(t)
    what_is_kept(t)
    what_waits(t)
    addresses(t)
    in_a_row(t)
