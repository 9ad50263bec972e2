"""Certificates for an API server on loopback, right ones and wrong ones, made with openssl(1).

In the folder: ca.crt; server.crt for 127.0.0.1 and localhost; client.crt of user `keryx`; expired.crt;
elsewhere.crt, whose name is another's; other-ca.crt, which signed none of them; a .key beside each.
"""
import pathlib
import subprocess
import tempfile

LOOPBACK = "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost,DNS:kubernetes"
SERVER, CLIENT = "extendedKeyUsage=serverAuth", "extendedKeyUsage=clientAuth"


def _openssl(folder, *args):
    done = subprocess.run(["openssl", *args], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {args[0]}: {done.stderr.strip()}")


def _key(folder, name):
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")


def _authority(folder, name):
    _key(folder, name)
    _openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-days", "30", "-subj", f"/CN=test-{name}",
             "-out", f"{name}.crt", "-addext", "keyUsage=critical,keyCertSign,cRLSign")


def _issue(folder, name, subject, extensions, days):
    _key(folder, name)
    _openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text("\n".join(["basicConstraints=CA:FALSE", *extensions]) + "\n")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
             "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt")


class Certificates:
    """`with Certificates() as c:`; `c / "ca.crt"` is a path."""

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="keryx-pki-")
        self.folder = folder = pathlib.Path(self._temporary.name)
        _authority(folder, "ca")
        _authority(folder, "other-ca")
        _issue(folder, "server", "/CN=kube-apiserver", [SERVER, LOOPBACK], 30)
        _issue(folder, "client", "/O=test/CN=keryx", [CLIENT], 30)
        _issue(folder, "expired", "/CN=kube-apiserver", [SERVER, LOOPBACK], -1)
        _issue(folder, "elsewhere", "/CN=127.0.0.1", [SERVER, "subjectAltName=IP:127.0.0.9,DNS:elsewhere"], 30)
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def __truediv__(self, name):
        return self.folder / name
