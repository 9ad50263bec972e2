#!/usr/bin/env python3
"""Has clang++ check the units of a compile database, warnings as errors, without compiling.

usage: clang_check.py COMPILE_COMMANDS.json JOBS

Of the tests only with KERYX_LONG=yes: they are half of all units.
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wnon-virtual-dtor",
            "-Werror"]


def check(entry):
    """Takes over what decides about meaning (-D, -I, -std); clang's own warnings beside it.

    Precompiled headers (-include) are another compiler's: a unit has to stand without them.
    """
    words = iter(shlex.split(entry["command"])[1:])
    kept = []
    for word in words:
        if word == "-include":
            next(words)
        elif word == "-isystem":
            kept += [word, next(words)]
        elif word.startswith(("-D", "-I", "-isystem", "-std=", "-pthread")):
            kept.append(word)
    done = subprocess.run(["clang++", "-fsyntax-only", *kept, *WARNINGS, entry["file"]],
                          cwd=entry["directory"], capture_output=True, text=True, check=False)
    return entry["file"], done.returncode, done.stdout + done.stderr


def is_wanted(file):
    return "/tests/" not in file or os.environ.get("KERYX_LONG") == "yes"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = [e for e in json.load(file) if e["file"].endswith(".cpp") and is_wanted(e["file"])]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(int(sys.argv[2])) as pool:
        for name, status, output in pool.map(check, entries):
            if status:
                bad += 1
                print(f"{name}:\n{output}")
    print(f"{len(entries)} units, {bad} with complaints")
    return 1 if bad or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
