"""A real API server, with its etcd and controllers, on ports of its own and in a temporary folder.

KERYX_CONTROL_PLANE names the folder of scripts that start it (up.sh) and fill it (demo.sh), by default
../shared/control-plane beside the checkout; KUBEBUILDER_ASSETS a folder of programs to start instead of
theirs. Nothing of it outlives the process that entered it: a guard waits for the end of a pipe and then
stops the rest.
"""
import base64
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

from harness import Skip, check, equal, free_port, until

TOOLS = ("kubectl", "jq", "curl", "openssl", "xz")
PROCESSES = ("kube-controller-manager", "kube-apiserver", "etcd")


def scripts(root):
    """The folder of the scripts; Skip says what is missing."""
    given = os.environ.get("KERYX_CONTROL_PLANE")
    folder = (pathlib.Path(given) if given else root.parent / "shared/control-plane").resolve()
    if not (folder / "up.sh").is_file():
        why = f"no up.sh in {folder} (KERYX_CONTROL_PLANE names another place)"
        if os.environ.get("KUBEBUILDER_ASSETS"):
            why += "; KUBEBUILDER_ASSETS has the programs that it starts, not what starts and fills them"
        raise Skip(why)
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")
    return folder


def free_ports(count):
    found = []
    while len(found) < count:
        port = free_port()
        found += [port] * (port not in found)
    return found


class ControlPlane:
    """`spare_port` is one more such port, for the test."""

    def __init__(self, root):
        self.scripts = scripts(root)

    def __enter__(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="keryx-control-plane-"))
        self.port, self.etcd_port, peer_port, self.spare_port = free_ports(4)
        self.environment = {**os.environ, "KUBE_PORT": str(self.port), "ETCD_PORT": str(self.etcd_port),
                            "ETCD_PEER_PORT": str(peer_port)}
        self._guard = subprocess.Popen(
            ["sh", "-c", 'cat; exec "$0" "$1" --purge', self.scripts / "down.sh", self.state],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            for name in PROCESSES:
                self.kill(name)
        finally:
            self._guard.stdin.close()
            self._guard.wait()
            shutil.rmtree(self.state, ignore_errors=True)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def pki(self, name):
        return self.state / "pki" / name

    # Life

    def up(self):
        """Starts what does not run; returns when the API server is ready. What has been is kept."""
        self._run([self.scripts / "up.sh", self.state], self.environment, 240)

    def pid(self, name):
        return int((self.state / "run" / f"{name}.pid").read_text())

    def kill(self, name):
        """SIGKILL; returns when the process is gone."""
        file = self.state / "run" / f"{name}.pid"
        try:
            pid = self.pid(name)
            with os.fdopen(os.pidfd_open(pid)) as handle:
                if str(self.state).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    signal.pidfd_send_signal(handle.fileno(), signal.SIGKILL)
                    check(select.select([handle], [], [], 20)[0], f"{name} ({pid}) survived SIGKILL")
        except OSError:
            pass  # it has not been started, or has ended
        file.unlink(missing_ok=True)

    def wipe(self):
        """Kills all of it, and what etcd held is lost; certificates, keys and ports stay."""
        for name in PROCESSES:
            self.kill(name)
        shutil.rmtree(self.state / "etcd")

    # Objects

    def demo(self):
        self._run([self.scripts / "demo.sh", self.state])

    def kubectl(self, *args, text=None):
        """kubectl as the administrator; what it prints."""
        return self._run(["kubectl", *args], text=text)

    def apply(self, *objects):
        listing = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "-f", "-", text=json.dumps(listing))

    def patch(self, what, name, patch, kind="merge"):
        self.kubectl("patch", what, name, f"--type={kind}", "-p", json.dumps(patch))

    def delete(self, what, name):
        self.kubectl("delete", what, name, "--wait=false")

    def pod_status(self, pod, ip, ready):
        self._run([self.scripts / "pod-status.sh", self.state, "default", pod, ip, "true" if ready else "false"])

    def ready(self, seconds=60.0):
        """Waits until the API server says that it is."""
        def says_ok():
            try:
                return self.kubectl("get", "--raw", "/readyz") == "ok"
            except AssertionError:
                return False
        until(says_ok, "the API server's being ready", seconds)

    def ready_addresses(self, service):
        """Of a Service in `default`, as the API server's EndpointSlices have them; in order."""
        listed = json.loads(self.kubectl("get", "endpointslices", "-l", f"kubernetes.io/service-name={service}",
                                         "-o", "json"))
        return sorted({address for one in listed["items"] for endpoint in one.get("endpoints") or []
                       if endpoint.get("conditions", {}).get("ready", True) for address in endpoint["addresses"]})

    def controllers_made(self, service, *addresses, seconds=60.0):
        """Waits until these are its ready addresses. The controllers' own watches come back up to half a
        minute after an API server does: client-go backs off for so long."""
        until(lambda: self.ready_addresses(service) == sorted(addresses), f"{addresses} of {service} in the API",
              seconds)

    def minor(self):
        """The y of version 1.y."""
        return int(re.match(r"\d+", json.loads(self.kubectl("get", "--raw", "/version"))["minor"])[0])

    def may(self, verb, group, resource, user="system:serviceaccount:kube-system:keryx"):
        """Whether the authorizer lets keryx."""
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": user, "resourceAttributes": {"verb": verb, "group": group, "resource": resource}}}
        return self.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}", text=json.dumps(review)) == "true"

    # Tokens

    def token(self, namespace="kube-system", account="keryx"):
        return self._run([self.scripts / "sa-token.sh", self.state, namespace, account]).strip()

    def expired(self, token):
        """The same token, signed like it, that ended an hour ago."""
        head, claims, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        for claim in ("iat", "nbf", "exp"):
            claims[claim] = int(time.time()) - (3600 if claim == "exp" else 7200)
        signed = f"{head}.{_base64url(json.dumps(claims).encode())}"
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.pki("sa.key")], input=signed.encode(),
                              capture_output=True, check=True)
        return f"{signed}.{_base64url(made.stdout)}"

    # etcd, past the API server

    def etcd(self, call, **message):
        request = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}/v3/kv/{call}",
                                         json.dumps(message).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
            return json.load(reply)

    def etcd_delete(self, key):
        equal(self.etcd("deleterange", key=base64.b64encode(key.encode()).decode()).get("deleted"), "1",
              f"keys deleted with {key}")

    def compact(self):
        """etcd forgets all but the newest version of everything; that version."""
        revision = self.etcd("range", key="YQ==")["header"]["revision"]
        self.etcd("compaction", revision=revision, physical=True)
        return revision

    def _run(self, command, environment=None, seconds=60, text=None):
        if environment is None:  # kubectl keeps what it finds out in its home
            environment = {**os.environ, "HOME": str(self.state),
                           "KUBECONFIG": str(self.state / "admin.kubeconfig")}
        # Files: what up.sh leaves running must hold no pipe of ours.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            done = subprocess.run(command, input=text, text=True, env=environment, stdout=output, stderr=errors,
                                  timeout=seconds, check=False)
            output.seek(0)
            errors.seek(0)
            check(done.returncode == 0,
                  f"{pathlib.Path(command[0]).name} {command[1]}: {errors.read().strip() or done.returncode}")
            return output.read()


def _base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
