#!/usr/bin/env python3
"""The page of `status` in a real browser: a line per case, and `N passed, N failed, N skipped` at the end.

usage: run.py [--binary build/server/keryx] [--slack FACTOR] [--shots FOLDER]

Starts the server with manifests and an upstream, and hands its address to browser.mjs, which drives Debian's chromium by
playwright-core and looks for what assistive technology would stumble over with axe-core. Both come from npm, as
package-lock.json has them, into build/page. --shots keeps the screenshots. Where node, npm, chromium or the packages
can't be had, all of it is skipped.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from harness import Report, Skip, check  # noqa: E402 - the path comes first
from keryx import Keryx  # noqa: E402
from page_world import COREFILE, FILES, Traffic, UpstreamOfPage  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ["browser.mjs", "package.json", "package-lock.json"]


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise Skip("no chromium here (tests/install_packages.sh browser)")


def installed():
    """The folder with browser.mjs and its packages."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Skip(f"no {program} here")
    folder = ROOT / "build/page"
    lock = folder / "package-lock.json"
    current = (folder / "node_modules").is_dir() and lock.is_file() and \
        lock.read_bytes() == (HERE / "package-lock.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        shutil.copy(HERE / source, folder)
    if not current:
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        try:
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
                                  cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            done = None
        if done is None or done.returncode != 0:
            shutil.rmtree(folder / "node_modules", ignore_errors=True)
            last = done.stderr.strip().splitlines()[-1:] if done else ["no answer within 120 s"]
            raise Skip(f"npm ci: {' '.join(last)}")
    return folder


def take(t, line):
    """A line of browser.mjs, as a case of ours."""
    word, _, rest = line.partition(" ")
    if word == "ok":
        t.ok(rest)
    elif word == "skip":
        t.skip(*rest.split(": ", 1))
    elif word == "FAIL":
        name, _, why = rest.partition(": ")
        t.fail(name, why)
    else:
        return False
    return True


def drive(t, folder, browser, shots):
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(UpstreamOfPage())
        k = stack.enter_context(Keryx(t, COREFILE.format(upstream=upstream.port), FILES))
        stack.enter_context(Traffic(k))
        address, port = k.http["/"][-1]
        order = {"url": f"http://{address}:{port}", "browser": browser, "manifests": str(k.folder / "cluster"),
                 "shots": str(shots), "slack": t.slack, "root": os.geteuid() == 0,
                 "paths": {"front": "/", "explain": "/explain?name=slow&namespace=prod"}}
        process = stack.enter_context(subprocess.Popen(
            ["node", "browser.mjs", json.dumps(order)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True))
        cases, rest = 0, []
        for line in process.stdout:
            if take(t, line.rstrip("\n")):
                cases += 1
            else:
                rest.append(line.rstrip("\n"))
        status = process.wait(30)
        with t.case("the browser's script ends"):
            check(status == 0 and cases > 0, f"status {status}: {' | '.join(rest[-15:])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/server/keryx")
    parser.add_argument("--slack", type=float, default=1.0)
    parser.add_argument("--shots", type=pathlib.Path)
    args = parser.parse_args()
    t = Report([str(args.binary.resolve())], ROOT, args.slack)
    t.suite = "browser"
    with tempfile.TemporaryDirectory(prefix="keryx-shots-") as scratch:
        shots = (args.shots or pathlib.Path(scratch)).resolve()
        shots.mkdir(parents=True, exist_ok=True)
        try:
            drive(t, installed(), chromium(), shots)
        except Skip as why:
            t.skip("all of it", why)
    print(f"{t.passed} passed, {t.failed} failed, {t.skipped} skipped")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
