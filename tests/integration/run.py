#!/usr/bin/env python3
"""Runs the integration tests: a line per case, and `N passed, N failed, N skipped` at the end.

usage: run.py [--binary build/server/keryx] [--slack FACTOR] [--quick] [SUITE...]

Without a SUITE all of them run. --slack stretches the deadlines, for builds with sanitizers; --quick
leaves out what only repeats (golden: one Corefile of the nine); --fixed-layout runs the server under
`setarch -R`, which ThreadSanitizer needs on some kernels. Debian's own interpreter has dnspython:
/usr/bin/python3 run.py.
"""
import argparse
import importlib
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import Report, Skip  # noqa: E402 - the path comes first

SUITES = ["server", "manifests", "forward", "compliance", "malformed", "tcp", "truncation", "clients",
          "golden", "apiserver", "coldstart", "model", "kubernetes", "partition"]


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build/server/keryx")
    parser.add_argument("--slack", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--fixed-layout", action="store_true")
    parser.add_argument("suites", nargs="*", metavar="SUITE", default=[])
    args = parser.parse_args()
    for suite in args.suites:
        if suite not in SUITES:
            parser.error(f"no suite '{suite}'; there are {', '.join(SUITES)}")

    command = (["setarch", "-R"] if args.fixed_layout else []) + [str(args.binary.resolve())]
    t = Report(command, root, args.slack, args.quick)
    for suite in args.suites or SUITES:
        t.suite, started = suite, time.monotonic()
        try:
            importlib.import_module(f"{suite}_test").run(t)
        except Skip as why:
            t.skip("all of it", why)
        except Exception as error:  # noqa: BLE001 - the other suites still run
            t.fail("all of it", f"{type(error).__name__}: {error}")
        print(f"   {suite}: {time.monotonic() - started:.0f} s", flush=True)
    print(f"{t.passed} passed, {t.failed} failed, {t.skipped} skipped")
    return 1 if t.failed or not t.passed else 0


if __name__ == "__main__":
    sys.exit(main())
