"""The container image: built with buildah, looked into, run by runc as Kubernetes runs CoreDNS's, asked.

The arm64 image is tried under qemu if its folder is named by KERYX_ARM64 (`build.sh --arch arm64` leaves it as
WORK/files-arm64), and built for this, for some minutes, with KERYX_LONG=yes.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

from container import Container, USER, need_containers
from harness import Skip, check, equal, end, until
from namespace import Namespace

NAME = "kubia.default.svc.cluster.local"
ADDRESS = "10.66.13.240"
COREFILE = """
.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        manifests /cluster
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    forward . 127.0.0.1:9
    cache 30
}
"""
ARGS = ["-conf", "/etc/coredns/Corefile"]  # what kubeadm's Deployment gives; the program is the image's
MOST_OCTETS = 40_000_000
MEGABYTES = 64
SERVICES = 10_000
NET_BIND = 1 << 10
# struct vfs_cap_data: revision 2 without VFS_CAP_FLAGS_EFFECTIVE; permitted and inheritable, low and high.
PERMITTED_ONLY = struct.pack("<5I", 0x02000000, NET_BIND, 0, 0, 0)
EXPECTED = re.compile(r"keryx|coredns|etc/nsswitch\.conf|lib(64)?/ld-linux-[a-z0-9-]+\.so\.\d+|"
                      r"lib/[a-z0-9_]+-linux-gnu/lib[a-z+_0-9-]+\.so(\.\d+)+")
PROGRAMS = re.compile(r"keryx|lib(64)?/ld-linux-.*")


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    if os.geteuid() != 0:
        raise Skip("needs root")


class Image:
    """Built from the binary under test into a storage of its own; `root` is where it is unpacked."""

    def __init__(self, t, folder):
        self.t, self.folder, self.root = t, folder, None
        conf = folder / "storage.conf"
        conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n')
        self.env = {**os.environ, "CONTAINERS_STORAGE_CONF": str(conf)}

    def buildah(self, *args):
        done = subprocess.run(["buildah", *args], env=self.env, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"buildah {args[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def need_buildah(self):
        done = subprocess.run(["buildah", "from", "scratch"], env=self.env, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Skip(f"buildah makes no image here: {done.stderr.strip()}")

    def build(self):
        archive = self.folder / "image.tar"
        done = subprocess.run(
            [str(self.t.root / "examples/image/build.sh"), "--binary", self.t.command[-1], "--tag",
             "keryx:test", "--work", str(self.folder / "work"), "--save", str(archive)],
            env=self.env, capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"build.sh: {done.stdout}{done.stderr}")
        self.config = json.loads(self.buildah("inspect", "--type", "image", "keryx:test"))["OCIv1"]["config"]
        self.root = pathlib.Path(self.buildah("mount", self.buildah("from", "keryx:test")))
        self.packed = archive.stat().st_size


def dockerfile_says(config, dockerfile):
    """Compares what both recipes set: the last stage of the Dockerfile, and the image that build.sh made."""
    lines = dockerfile.replace("\\\n", " ").rpartition("\nFROM ")[2].splitlines()
    says = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        says.setdefault(word, []).append(rest.strip())
    equal(says["USER"], [config["User"]], "USER of the Dockerfile")
    equal(json.loads(says["ENTRYPOINT"][0]), config["Entrypoint"], "ENTRYPOINT of the Dockerfile")
    equal(says["WORKDIR"], [config["WorkingDir"]], "WORKDIR of the Dockerfile")
    equal(sorted(" ".join(says["EXPOSE"]).split()), sorted(config["ExposedPorts"]), "EXPOSE of the Dockerfile")
    text = says["LABEL"][0].replace("$VERSION", says["ARG"][0].partition("=")[2])
    labels = {key: value for key, value in config["Labels"].items() if not key.startswith("io.buildah.")}
    equal(dict(word.split("=", 1) for word in shlex.split(text)), labels, "LABEL of the Dockerfile")


def files_of(root):
    """Path below the root -> lstat() of all but folders."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = pathlib.Path(folder) / name
            found[str(path.relative_to(root))] = path.lstat()
    return found


def contents(t, what, root, packed=0):
    with t.case(f"{what}: the binary, its libraries and nothing else"):
        files = files_of(root)
        strange = [name for name in files if not EXPECTED.fullmatch(name)]
        check(not strange, f"not expected: {strange}")
        programs = [name for name, s in files.items() if stat.S_ISREG(s.st_mode) and s.st_mode & 0o111]
        check(all(PROGRAMS.fullmatch(name) for name in programs), f"programs: {programs}")
        check(not any(s.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)
                      for s in files.values() if not stat.S_ISLNK(s.st_mode)), "set-id or writable files")
        size = sum(s.st_size for s in files.values())
        check(size < MOST_OCTETS, f"{size} octets")
        print(f"   {len(files)} files, {size / 1e6:.1f} MB" + (f", {packed / 1e6:.1f} MB packed" if packed else ""))
    with t.case(f"{what}: the capability is permitted, not effective"):
        equal(os.getxattr(root / "keryx", "security.capability"), PERMITTED_ONLY, "security.capability")


def ask(ns, port, name=NAME, *options):
    return ns.run("dig", "+short", "+tries=1", "+time=1", "-p", str(port), *options, "@10.9.0.1", name,
                  ok=False).stdout.strip()


def mounts(t, folder):
    """The Corefile as the kubelet lays a ConfigMap out, and the objects of examples/kubia."""
    volume = folder / "config-volume"
    if not volume.exists():
        (volume / "..2026_1").mkdir(parents=True)
        (volume / "..2026_1/Corefile").write_text(COREFILE)
        (volume / "..data").symlink_to("..2026_1")
        (volume / "Corefile").symlink_to("..data/Corefile")
    return {"/etc/coredns": volume, "/cluster": t.root / "examples/kubia/cluster"}


def as_coredns(t, ns, image, mounted):
    """allowPrivilegeEscalation: false, drop ALL, add NET_BIND_SERVICE, readOnlyRootFilesystem: true."""
    with Container(image.root, [*image.config["Entrypoint"], *ARGS], ns.name, mounted,
                   ["NET_BIND_SERVICE"], MEGABYTES) as c:
        with t.case("serves port 53 under CoreDNS's securityContext"):
            c.wait_for("Keryx-")
            equal(ask(ns, 53), ADDRESS)
            equal(ask(ns, 53, NAME, "+tcp"), ADDRESS, "over TCP")
            status = c.status()
            equal(status["Uid"].split(), [str(USER)] * 4, "user")
            equal(status["NoNewPrivs"], "1", "no_new_privs")
            equal(int(status["CapPrm"], 16), NET_BIND, "permitted")
            equal(int(status["CapEff"], 16), 0, "effective, but for the bind")
            equal(status["Seccomp"], "2", "system calls are filtered")
            # Hidden from others of this user; suite sandbox has that the process itself can read it.
            equal(os.stat(f"/proc/{c.pid()}/fd").st_uid, 0, "owner of /proc/PID/fd")
        with t.case("ends at SIGTERM with status 0"):
            equal(c.end(), 0, f"status ({c.output()})")


def in_little_memory(t, ns, image, folder, mounted):
    objects = folder / "large"
    objects.mkdir()
    subprocess.run([sys.executable, str(t.root / "tests/bench/make_cluster.py"), str(SERVICES), str(folder)],
                   check=True)
    (folder / "objects.json").rename(objects / "objects.json")
    names = (folder / "names.txt").read_text().splitlines()
    with t.case(f"lives in {MEGABYTES} MB of memory with {SERVICES} Services"), \
            Container(image.root, [*image.config["Entrypoint"], *ARGS], ns.name,
                      {**mounted, "/cluster": objects}, ["NET_BIND_SERVICE"], MEGABYTES) as c:
        c.wait_for("Keryx-", 60)
        (folder / "questions").write_text("".join(f"{name} A\nnope.{name} A\n" for name in names))
        done = ns.run("dig", "+noall", "+comments", "+tries=1", "@10.9.0.1", "-f", str(folder / "questions"),
                      seconds=120)
        equal(len(re.findall("status: NOERROR", done.stdout)), SERVICES, "names answered")
        equal(len(re.findall("status: NXDOMAIN", done.stdout)), SERVICES, "names denied")
        usage = c.memory()["usage"]
        equal(usage["failcnt"], 0, "times the limit was met")
        print(f"   resident {int(c.status()['VmRSS'].split()[0]) / 1024:.1f} MB, charged "
              f"{usage.get('max', usage['usage']) / 2**20:.1f} MB at most")


def without_capability(t, ns, image, mounted):
    program = image.config["Entrypoint"]
    with t.case("under drop: ALL alone it serves a port from 1024 on"):
        with Container(image.root, [*program, *ARGS, "-dns.port", "1053"], ns.name,
                       {**mounted, "/etc/coredns": high_port(mounted)}) as c:
            c.wait_for("Keryx-")
            equal(ask(ns, 1053), ADDRESS)
            equal(int(c.status()["CapPrm"], 16), 0, "permitted")
    with t.case("under drop: ALL alone it says what port 53 needs"):
        with Container(image.root, [*program, *ARGS], ns.name, mounted) as c:
            equal(c.wait(), 1, "status")
            check("NET_BIND_SERVICE" in c.output(), c.output())
    with t.case("the name of CoreDNS's program is there"):
        with Container(image.root, ["/coredns", "-version"], ns.name) as c:
            equal(c.wait(), 0, "status")
            check(c.output().startswith("Keryx-"), c.output())
    with t.case("there is no shell"):
        with Container(image.root, ["sh", "-c", "true"], ns.name) as c:
            check(c.wait() != 0 and "executable file not found" in c.output(), c.output())


def high_port(mounted):
    """The Corefile without its port, so that -dns.port chooses it."""
    folder = mounted["/etc/coredns"].with_name("high")
    folder.mkdir(exist_ok=True)
    (folder / "Corefile").write_text(COREFILE.replace(".:53", "."))
    return folder


def as_process(t, ns, folder, mounted):
    """Without a container runtime: another user, the file capability, nothing else."""
    need("setpriv")
    binary = folder / "plain/keryx"
    binary.parent.mkdir()
    os.chmod(folder, 0o755)
    shutil.copy(t.command[-1], binary)
    os.setxattr(binary, "security.capability", PERMITTED_ONLY)
    corefile = folder / "plain/Corefile"
    cluster = folder / "plain/cluster"      # a checkout may be its owner's alone
    shutil.copytree(mounted["/cluster"], cluster)
    corefile.write_text(COREFILE.replace("/cluster", str(cluster)))

    def command(bounding):
        return ["ip", "netns", "exec", ns.name, "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups",
                f"--bounding-set={bounding}", str(binary), "-conf", str(corefile)]
    process = subprocess.Popen(command("-all,+net_bind_service"), stdout=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or ask(ns, 53) == ADDRESS, "an answer on port 53")
        check(process.poll() is None, "it ended")
    finally:
        end(process)
    done = subprocess.run(command("-all"), capture_output=True, text=True, check=False, timeout=20)
    equal(done.returncode, 1, "status without the capability")
    check("NET_BIND_SERVICE" in done.stderr, done.stderr)


def arm64_root(t, folder):
    named = os.environ.get("KERYX_ARM64")
    if named:
        return pathlib.Path(named)
    if os.environ.get("KERYX_LONG") != "yes":
        raise Skip("neither KERYX_ARM64 nor KERYX_LONG=yes")
    need("aarch64-linux-gnu-g++")
    subprocess.run([str(t.root / "examples/image/build.sh"), "--arch", "arm64", "--tag", "keryx:arm64", "--work",
                    str(t.root / "build-image")],
                   env={**os.environ, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")},
                   stdout=subprocess.DEVNULL, check=True)
    return t.root / "build-image/files-arm64"


def arm64(t, ns, folder, mounted):
    """qemu itself has no file capability, so a port from 1024 on."""
    need("qemu-aarch64-static")
    root = arm64_root(t, folder)
    contents(t, "arm64", root)
    copy = folder / "arm64-root"
    shutil.copytree(root, copy, symlinks=True)
    with t.case("arm64: answers under qemu"):
        with Container(copy, ["/qemu", "/keryx", *ARGS, "-dns.port", "1053"], ns.name,
                       {**mounted, "/etc/coredns": high_port(mounted),
                        "/qemu": shutil.which("qemu-aarch64-static")}, megabytes=256) as c:
            c.wait_for("Keryx-", 60)
            equal(ask(ns, 1053), ADDRESS)
            equal(ask(ns, 1053, NAME, "+tcp"), ADDRESS, "over TCP")
            equal(ask(ns, 1053, "10-0-1-23." + NAME), "10.0.1.23", "of an endpoint")
            equal(c.end(), 0, f"status ({c.output()})")


def run(t):
    if t.slack > 1:
        raise Skip("a build with sanitizers is not what an image has")
    need("dig")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keryx-image-"))
    try:
        with Namespace(["10.9.0.1/24"], "") as ns:
            mounted = mounts(t, folder)
            with t.case("a process of another user binds port 53 by its file capability"):
                as_process(t, ns, folder, mounted)
            need("buildah", "runc", "setcap")
            image = Image(t, folder)
            image.need_buildah()
            with t.case("build.sh"):
                image.build()
                equal(image.config["User"], f"{USER}:{USER}", "user")
                equal(image.config["Entrypoint"], ["/keryx"], "entrypoint")
                equal(image.config.get("Cmd"), None, "command")
            if image.root is None:
                return
            with t.case("the Dockerfile sets the same"):
                dockerfile_says(image.config, (t.root / "examples/image/Dockerfile").read_text())
            contents(t, "image", image.root, image.packed)
            # A copy has no file capability: what it cannot do here is not the image's fault.
            shutil.copytree(image.root, folder / "probe", symlinks=True)
            os.removexattr(folder / "probe/keryx", "security.capability")
            need_containers(folder / "probe", ["/keryx", "-version"], ns.name)
            as_coredns(t, ns, image, mounted)
            in_little_memory(t, ns, image, folder, mounted)
            without_capability(t, ns, image, mounted)
            try:
                arm64(t, ns, folder, mounted)
            except Skip as why:
                t.skip("arm64", why)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
