"""A network namespace that looks like a pod: an interface, addresses, a resolv.conf. Needs root."""
import concurrent.futures
import contextlib
import ctypes
import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import Skip, check, until

NUMBERS = itertools.count()
CLONE_NEWNET = 0x40000000  # setns(2)


@contextlib.contextmanager
def entered(name):
    """New sockets and child processes of this thread are those of the network namespace. Cheaper than `ip netns exec`,
    which mounts /sys anew and waits for namespaces that come and go elsewhere."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(namespace):
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def inside(namespace, work):
    """Calls `work` in a thread that has entered the namespace; the sockets that it makes stay there."""
    def enter():
        with entered(namespace.name):
            return work()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(enter).result()


class Namespace:
    """Nothing in it can reach the outside: its one interface is a veth with both ends inside."""

    def __init__(self, addresses, resolv_conf, sysctls=()):
        self.name = f"keryx-{os.getpid()}-{next(NUMBERS)}"
        self.addresses, self.resolv_conf, self.sysctls = addresses, resolv_conf, sysctls
        self.etc = pathlib.Path("/etc/netns") / self.name
        self.processes = []

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("needs root for network namespaces")
        if not shutil.which("ip"):
            raise Skip("iproute2 is not installed")
        made = subprocess.run(["ip", "netns", "add", self.name], capture_output=True, text=True,
                              check=False)
        if made.returncode:
            raise Skip(f"no network namespaces here: {made.stderr.strip()}")
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _set_up(self):
        self.etc.mkdir(parents=True)
        (self.etc / "resolv.conf").write_text(self.resolv_conf)
        # `ip netns exec` needs / to be a mount of its own, which a bare chroot is not.
        entered = self.run("true", ok=False)
        if entered.returncode:
            raise Skip(f"network namespaces cannot be entered: {entered.stderr.strip()}")
        self.run("ip", "link", "set", "lo", "up")
        for setting in self.sysctls:
            self.run("sysctl", "-qw", setting)
        made = self.run("ip", "link", "add", "pod0", "type", "veth", "peer", "name", "pod1", ok=False)
        if made.returncode:
            raise Skip(f"no veth here: {made.stderr.strip()}")
        for link in ("pod0", "pod1"):
            self.run("ip", "link", "set", link, "up")
        for address in self.addresses:
            self.run("ip", "address", "add", address, "dev", "pod0",
                     *(["nodad"] if ":" in address else []))

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        shutil.rmtree(self.etc, ignore_errors=True)
        shutil.rmtree(getattr(self, "web", ""), ignore_errors=True)

    def run(self, *command, ok=True, seconds=20):
        """Runs a command inside; with `ok` it has to succeed."""
        done = subprocess.run(["ip", "netns", "exec", self.name, *command], capture_output=True,
                              text=True, timeout=seconds, check=False)
        if ok:
            check(done.returncode == 0,
                  f"{' '.join(command)}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def out(self, *command):
        return self.run(*command).stdout

    def serve_http(self, port, address):
        """An HTTP server whose /hello says `served`."""
        if not hasattr(self, "web"):
            self.web = tempfile.mkdtemp(prefix="keryx-web-")
            (pathlib.Path(self.web) / "hello").write_text("served\n")
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.name, "/usr/bin/python3", "-m", "http.server", str(port),
             "--bind", address, "--directory", self.web],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        url = f"http://[{address}]:{port}/hello" if ":" in address else f"http://{address}:{port}/hello"
        until(lambda: self.run("curl", "-sf", url, ok=False).returncode == 0, "the HTTP server", 10)
