#!/usr/bin/env python3
"""Instructions that a query costs, by kind of question, counted by callgrind and held against reference.json.

usage: count.py [--build build] [--update] [--keep FOLDER]

--build: where the release build is. --update: what was counted is the reference from now on.
--keep: leaves what callgrind wrote there, a file per kind: callgrind_annotate FOLDER/KIND.

A kind fails that costs over 3 % more than the reference says; `KIND, top` also if it costs over 2 % more than `KIND`, which is
the same without counting who asks what: as it comes over UDP, in batches. The counts repeat to the instruction as long as
compiler and libraries are the same (Debian 12's, amd64): keys, clock and random numbers are fixed
(fixed_world.cpp), and so is the environment.
"""
import argparse
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REFERENCE = HERE / "reference.json"
PROGRAM = "tests/bench/instructions/instructions"
ALLOWED = 0.03
ALLOWED_FOR_TOP = 0.02
TOP = ", top"

# Nothing of the caller's. Symbols are bound at start. Of the C library's string functions, which are chosen by
# CPU, the plain ones (SSE2) are taken: valgrind 3.19 shows its program AVX2 where the machine has it.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LC_ALL": "C",
    "LD_BIND_NOW": "1",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2",
}


def is_release(build):
    options = json.loads((build / "meson-info" / "intro-buildoptions.json").read_text())
    value = {option["name"]: option["value"] for option in options}
    return value["buildtype"] == "release" and value["b_sanitize"] == "none"


def count(build, folder):
    """Instructions per query by kind, in the program's order."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=bench::answer_batch*",
         "--dump-before=bench::end_of_kind*", f"--callgrind-out-file={folder}/out", f"./{PROGRAM}"],
        cwd=build, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{run.stdout}{run.stderr}\ncallgrind ended with status {run.returncode}")
    counts = {}
    for number, line in enumerate(run.stdout.splitlines(), start=1):
        queries, kind = line.split(" ", 1)
        dump = (folder / f"out.{number}").rename(folder / re.sub(r"\W+", "-", kind))
        total = re.search(r"^totals: (\d+)$", dump.read_text(), re.MULTILINE)
        counts[kind] = round(int(total[1]) / int(queries), 1)
    (folder / "out").unlink(missing_ok=True)
    return counts


def compare(counts, reference):
    """Prints the table; returns how many kinds passed and failed."""
    kinds = {**counts, **reference}
    failed = 0
    print(f"{'instructions per query':<28}{'reference':>11}{'now':>11}{'change':>10}")
    for kind in kinds:
        now, before = counts.get(kind), reference.get(kind)
        if now is None or before is None:
            failed += 1
            print(f"{kind:<28}{before or '-':>11}{now or '-':>11}{'':>10}  FAIL: not in "
                  + ("the program" if now is None else "the reference"))
            continue
        change = now / before - 1
        remark = ""
        if change > ALLOWED:
            failed += 1
            remark = "  FAIL"
        elif change < -ALLOWED:
            remark = "  reference can be lowered"
        print(f"{kind:<28}{before:>11.1f}{now:>11.1f}{change:>+9.1%} {remark}")
    return len(kinds) - failed, failed


def compare_top(counts):
    """The same for what counting who asks what costs, beside the kind without it."""
    failed = passed = 0
    for kind, now in counts.items():
        if kind.endswith(TOP):
            without = counts[kind.removesuffix(TOP)]
            fails = now / without - 1 > ALLOWED_FOR_TOP
            failed, passed = failed + fails, passed + (not fails)
            print(f"{'counting: ' + kind.removesuffix(TOP):<39}{without:>11.1f}{now:>11.1f}{now / without - 1:>+9.1%}"
                  + ("  FAIL" if fails else ""))
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    if platform.machine() != "x86_64" or shutil.which("valgrind") is None:
        print("skip: needs valgrind, and the machine that the reference was counted for (x86_64)")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    if not is_release(options.build):
        raise SystemExit(f"{options.build} is no release build (meson setup --buildtype=release)")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        counts = count(options.build, folder.resolve())
    if options.update:
        REFERENCE.write_text(json.dumps(counts, indent=2) + "\n")
    passed, failed = (sum(x) for x in zip(
        compare(counts, json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}), compare_top(counts)))
    if failed:
        print("If the growth is meant: tests/bench/instructions/count.py --update, and say why in the commit.")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
