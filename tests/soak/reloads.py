"""The Corefile of a soak in its variants, and reloads of it."""
import itertools
import signal
import time

from harness import check, until

# What changes; `ttl` makes the `kubernetes` block anew, with an API client and a store of its own.
VARIANTS = [{}, {"extra": "template IN TXT reload.example {\n answer \"{{ .Name }} 5 IN TXT one\"\n}"},
            {"cache": 6}, {"ttl": 7}, {"extra": "minimal"}, {"extra": "nonsense"}, {"policy": "round_robin"},
            {"cache": 6, "extra": "bufsize 1100"}]


def corefile(upstream, ttl=5, cache=5, policy="random", extra=""):
    return f"""
. {{
    bind 127.0.0.1
    errors {{
        consolidate 5s ".*"
    }}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig kubeconfig
        resync 2s
        ttl {ttl}
    }}
    cache {cache} {{
        success 1024
        denial 1024
    }}
    forward . 127.0.0.1:{upstream} {{
        policy {policy}
    }}
    {extra}
}}
"""


class Reloads:
    """One after the other; `done` of them, as the server has said."""

    def __init__(self, t, keryx, upstream):
        self.t, self.keryx, self.upstream = t, keryx, upstream
        self.variants, self.done, self.before, self.asked = itertools.cycle(VARIANTS[1:] + VARIANTS[:1]), 0, {}, None

    def _said(self):
        return {what: sum(what in line for line in self.keryx.lines) for what in ("Reloading complete", "reload failed")}

    def next(self, settle):
        """Waits for the one before, and begins the next; one that makes a new API client is waited for as
        well, since for a moment it may know less than the one before: `settle` is called after."""
        self.wait()
        variant = next(self.variants)
        new = self.keryx.folder / "Corefile.new"
        new.write_text(corefile(self.upstream, **variant))
        new.rename(self.keryx.folder / "Corefile")  # as a ConfigMap is swapped
        said = self._said()
        self.asked = ("reload failed" if variant.get("extra") == "nonsense" else "Reloading complete"), said
        self.keryx.process.send_signal(signal.SIGUSR1)
        renewed = variant.get("ttl") != self.before.get("ttl") and self.asked[0] == "Reloading complete"
        if self.asked[0] == "Reloading complete":
            self.before = variant
        if renewed:
            self.wait()
            settle()

    def wait(self):
        if self.asked is None:
            return
        wanted, said = self.asked
        started = time.monotonic()
        until(lambda: self._said() != said, f"a reload in {self.keryx.output()}", 30 * self.t.slack)
        check(self._said()[wanted] > said[wanted], f"no '{wanted}' {time.monotonic() - started:.1f} s after the signal: "
                                                   f"{self.keryx.output()}")
        self.done, self.asked = self.done + 1, None
        check(not self.keryx.complaints(), "\n".join(self.keryx.complaints()[:2]))
        del self.keryx.lines[:-200]  # what it has said so far is judged
