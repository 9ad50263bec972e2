"""Reads what /metrics says: series by name and labels."""
import re
import urllib.request

LINE = re.compile(r"^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)')
PARTS = ("_bucket", "_sum", "_count")


def fetch(port, address="127.0.0.1"):
    with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=10) as response:
        return response.read().decode()


class Scrape:
    """`types` by family; `values` by (name, sorted labels)."""

    def __init__(self, text):
        self.text, self.types, self.values = text, {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split(" ")
                self.types[family] = kind
            elif not line.startswith("#"):
                found = LINE.match(line)
                if not found:
                    raise AssertionError(f"no line of metrics: {line!r}")
                labels = tuple(sorted(LABEL.findall(found[2] or "")))
                if (found[1], labels) in self.values:
                    raise AssertionError(f"twice: {line!r}")
                self.values[found[1], labels] = float(found[3])

    def family_of(self, name):
        for part in PARTS:
            family = name.removesuffix(part)
            if family != name and self.types.get(family) == "histogram":
                return family
        return name

    def labels(self, family):
        """The sets of label names that its series have, without `le`."""
        return {frozenset(key for key, _ in labels if key != "le")
                for name, labels in self.values if self.family_of(name) == family}

    def bounds(self, family):
        found = {dict(labels)["le"] for name, labels in self.values if name == family + "_bucket"}
        return sorted(float(bound) for bound in found if bound != "+Inf")

    def sum(self, name, **wanted):
        """Over all series that have these labels."""
        return sum(value for (called, labels), value in self.values.items()
                   if called == name and wanted.items() <= dict(labels).items())
