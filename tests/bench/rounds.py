"""Rounds of measurement in turn, what they come to, and the table of it.

A machine's speed wanders, so that what is compared is what was measured within a round, and what
counts is the median over the rounds.
"""
import dataclasses
import statistics
import sys
import time
import typing

FIELDS = ("cpu_us", "rate", "p50_us", "p99_us", "p999_us", "load_busy")


@dataclasses.dataclass
class Contender:
    """`measure()` is one round: an object with FIELDS, lost and wrong."""
    name: str
    measure: typing.Callable[[], dict]
    memory: typing.Callable[[], dict] = dict
    results: list = dataclasses.field(default_factory=list)


def alternate(contenders, rounds, pause=0.05):
    """Each in turn, the first another one in each round; a first round of all does not count."""
    for contender in contenders:
        contender.measure()
    for i in range(rounds):
        for k in range(len(contenders)):
            contender = contenders[(i + k) % len(contenders)]
            contender.results.append(contender.measure())
            time.sleep(pause)
        print(f"  round {i + 1:>2}: " + "  ".join(f"{c.name} {c.results[-1]['cpu_us']:.2f}" for c in contenders),
              file=sys.stderr, flush=True)


def ratio(ours, theirs, field="cpu_us"):
    """The median of the ratios within a round."""
    pairs = zip(ours.results, theirs.results)
    return statistics.median(a[field] / max(b[field], 1e-9) for a, b in pairs)


def figures(contenders):
    """Per server: medians, and the ratios to the first one."""
    out = {}
    for contender in contenders:
        of = {field: [r[field] for r in contender.results] for field in FIELDS}
        figure = {field: statistics.median(values) for field, values in of.items()}
        figure |= {"cpu_us_min": min(of["cpu_us"]), "cpu_us_max": max(of["cpu_us"])}
        figure |= {f"{field}_ratio": ratio(contender, contenders[0], field) for field in FIELDS}
        figure |= {key: sum(r[key] for r in contender.results) for key in ("lost", "wrong")}
        out[contender.name] = figure | contender.memory() | {"rounds": contender.results}
    return out


def show(figures_of):
    first = next(iter(figures_of))
    print(f"{'':<10}{'CPU us/query':^26}{'/ ' + first:>9}{'k/s':>8}{'/ ' + first:>9}{'latency us':^27}"
          f"{'/ ' + first:>8}{'memory MB':^16}")
    print(f"{'':<10}{'median':>10}{'min':>8}{'max':>8}{'':>9}{'':>8}{'':>9}{'p50':>9}{'p99':>9}{'p99.9':>9}"
          f"{'p50':>8}{'RSS':>8}{'PSS':>8}{'load':>7}{'lost':>7}{'wrong':>7}")
    for name, f in figures_of.items():
        memory = "".join(f"{f[key]:>8.1f}" if key in f else f"{'':>8}" for key in ("rss_mb", "pss_mb"))
        print(f"{name:<10}{f['cpu_us']:>10.2f}{f['cpu_us_min']:>8.2f}{f['cpu_us_max']:>8.2f}"
              f"{f['cpu_us_ratio']:>9.3f}{f['rate'] / 1000:>8.1f}{f['rate_ratio']:>9.3f}"
              f"{f['p50_us']:>9.0f}{f['p99_us']:>9.0f}{f['p999_us']:>9.0f}{f['p50_us_ratio']:>8.3f}{memory}"
              f"{f['load_busy']:>7.0%}{f['lost']:>7}{f['wrong']:>7}")


class Outcome:
    """What a case has found: figures per server, single values, and how they meet their targets."""

    def __init__(self, about, measured=True):
        self.about, self.measured = about, measured
        self.servers, self.values, self.targets = {}, {}, []

    def take(self, contenders):
        self.servers |= figures(contenders)
        wrong = sum(f["wrong"] for f in self.servers.values())
        if wrong:
            self.most("wrong answers", wrong, 0)

    def value(self, what, value, unit=""):
        self.values[what] = {"value": value, "unit": unit}

    def most(self, what, value, limit, unit=""):
        self._target(what, value, "at most", limit, unit, value <= limit)

    def least(self, what, value, limit, unit=""):
        self._target(what, value, "at least", limit, unit, value >= limit)

    def _target(self, what, value, bound, limit, unit, met):
        self.targets.append({"what": what, "value": value, "bound": bound, "limit": limit, "unit": unit, "ok": met})

    def missed(self):
        return sum(not target["ok"] for target in self.targets)

    def print(self, name):
        print(f"\n{name}: {self.about}")
        if self.servers:
            show(self.servers)
        for what, v in self.values.items():
            print(f"          {what:<52}{v['value']:>9.3f} {v['unit']}")
        for t in self.targets:
            verdict = "ok" if t["ok"] else "MISSED"
            print(f"  {verdict:<8}{t['what']:<52}{t['value']:>9.3f} {t['unit']:<3} {t['bound']} {t['limit']:g}")
        sys.stdout.flush()
