"""Runs NSD with the zones it is given on a port of its own: an upstream that is not ours. It limits no rate."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import wire
from harness import Skip, check, end, free_port, until


class Nsd:
    """`zones` maps a zone's name to its zone file: text, or a pathlib.Path."""

    def __init__(self, zones, address="127.0.0.1", port=None, netns=None):
        self.zones, self.address, self.netns = zones, address, netns
        self.port = port or free_port()

    def __enter__(self):
        if not shutil.which("nsd"):
            raise Skip("nsd is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keryx-nsd-"))
        lines = ["server:", f"  ip-address: {self.address}@{self.port}", '  username: ""',
                 f'  zonesdir: "{self.folder}"', '  database: ""', '  pidfile: ""', "  server-count: 1", "  rrl-ratelimit: 0",
                 f'  xfrdfile: "{self.folder}/xfrd"', f'  zonelistfile: "{self.folder}/zones"',
                 "remote-control:", "  control-enable: no"]
        for number, (zone, text) in enumerate(self.zones.items()):
            if isinstance(text, pathlib.Path):
                text = text.read_text()
            (self.folder / f"zone-{number}").write_text(text)
            lines += ["zone:", f'  name: "{zone}"', f'  zonefile: "zone-{number}"']
        (self.folder / "nsd.conf").write_text("\n".join(lines) + "\n")
        command = [shutil.which("nsd"), "-d", "-c", str(self.folder / "nsd.conf")]
        if self.netns:
            command[:0] = ["ip", "netns", "exec", self.netns]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        zone = next(iter(self.zones))
        if self.netns:
            def answers():
                return subprocess.run(
                    ["ip", "netns", "exec", self.netns, "dig", f"@{self.address}", "-p", str(self.port),
                     "+time=1", "+tries=1", zone, "SOA"], capture_output=True, check=False
                ).returncode == 0
        else:
            def answers():
                return wire.ask_udp(self.address, self.port, wire.query(zone, "SOA"), 0.5)
        until(lambda: answers() or self.process.poll() is not None, "NSD", 10)
        check(self.process.poll() is None, f"NSD ended: {(self.folder / 'log').read_text()}")

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
