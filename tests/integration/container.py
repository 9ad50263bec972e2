"""Runs an unpacked image with runc, confined as a container runtime of Kubernetes confines CoreDNS's. Needs root.

The capabilities are in the bounding, permitted and effective sets and not ambient, as containerd and CRI-O
give them to a user other than root; with no_new_privs (allowPrivilegeEscalation: false) the kernel
then grants what both the file and the runtime permit.
"""
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading

from harness import Skip, check, until

USER = 65532


def config(root, args, mounts, netns, capabilities, megabytes, name):
    sets = [f"CAP_{capability}" for capability in capabilities]
    return {
        "ociVersion": "1.0.2", "hostname": "keryx",
        "process": {"user": {"uid": USER, "gid": USER}, "args": args, "env": [], "cwd": "/",
                    "noNewPrivileges": True,
                    "capabilities": {"bounding": sets, "permitted": sets, "effective": sets}},
        "root": {"path": str(root), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            *({"destination": where, "type": "bind", "source": str(what), "options": ["rbind", "ro"]}
              for where, what in mounts.items())],
        "linux": {
            "resources": {"memory": {"limit": megabytes << 20, "swap": megabytes << 20}},
            "cgroupsPath": f"/{name}",
            "namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"},
                           {"type": "network", "path": f"/run/netns/{netns}"}]},
    }


class Container:
    """`args[0]` is the program; `mounts` maps places in the container to folders and files, read only."""

    def __init__(self, root, args, netns, mounts=None, capabilities=(), megabytes=64):
        if not shutil.which("runc"):
            raise Skip("runc is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keryx-container-"))
        self.name = self.folder.name
        (self.folder / "config.json").write_text(json.dumps(
            config(root, list(args), mounts or {}, netns, capabilities, megabytes, self.name)))
        self.runc = ["runc", "--root", str(self.folder / "state")]
        self.lines = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [*self.runc, "run", "--bundle", str(self.folder), "--pid-file", str(self.folder / "pid"),
             self.name],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        return self

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, start, seconds=20):
        """Waits for a line of output that starts so."""
        until(lambda: any(line.startswith(start) for line in self.lines) or self.process.poll() is not None,
              f"'{start}' of the container", seconds)
        check(any(line.startswith(start) for line in self.lines), f"it ended: {self.output()}")

    def wait(self, seconds=20):
        """Its exit status, with all its output read."""
        status = self.process.wait(seconds)
        self.reader.join(5)
        return status

    def output(self):
        return " | ".join(self.lines[-20:]) or "(no output)"

    def pid(self):
        return int((self.folder / "pid").read_text())

    def status(self):
        """/proc/PID/status as a mapping."""
        lines = pathlib.Path(f"/proc/{self.pid()}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    def memory(self):
        """The cgroup's {"usage": {"limit", "usage", "max", "failcnt"}, ...}, in octets."""
        done = subprocess.run([*self.runc, "events", "--stats", self.name], capture_output=True, text=True,
                              check=True)
        return json.loads(done.stdout)["data"]["memory"]

    def end(self):
        """SIGTERM as the kubelet sends it; the exit status."""
        subprocess.run([*self.runc, "kill", self.name, "TERM"], capture_output=True, check=True)
        return self.wait()

    def __exit__(self, *_):
        # A container that has ended is gone already.
        subprocess.run([*self.runc, "delete", "--force", self.name], capture_output=True, check=False)
        try:
            self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            shutil.rmtree(self.folder, ignore_errors=True)


def need_containers(root, args, netns):
    """Skips where runc cannot run these arguments even as they are here, with all that it may be asked for."""
    with Container(root, args, netns) as probe:
        status = probe.wait()
        if status:
            raise Skip(f"runc runs no container here: {probe.output()}")
