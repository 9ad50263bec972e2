#!/usr/bin/env python3
"""Holds the sources against the layer table of ARCHITECTURE.md: who may include what.

Also: heavy library headers stay out of our headers, every header says at its top what it knows, no
file has 400 lines, and the top of the tree has what belongs there and nothing else. Prints each offending line; exit status 1 if there is one.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_LINES = 400

# Project headers that a folder may include, as prefixes; its own folder is always allowed.
PROJECT = {
    "k8s_client": [],
    "zones": ["k8s_client/objects.h"],
    "resolver": ["zones/"],
    "server": ["k8s_client/", "zones/", "resolver/"],
}
# Third-party headers that a folder may include.
LIBRARIES = {
    "k8s_client": ["httplib.h", "rapidjson/", "yaml-cpp/", "openssl/", "tl/", "zlib.h"],
    "zones": ["ldns/", "tl/"],
    "resolver": ["ares.h", "ares_dns.h", "tl/"],
    "server": ["ares.h", "httplib.h", "rapidjson/", "yaml-cpp/", "openssl/", "tl/", "ldns/", "CLI/",
               "fmt/", "prometheus/", "re2/", "seccomp.h"],
}
KNOWN_LIBRARIES = sorted({x for known in LIBRARIES.values() for x in known} | {"doctest/"})
# A system header that a folder must not know, and what it stands for.
SYSTEM = {
    "zones": r"(sys/(socket|epoll|inotify|time|uio|eventfd|timerfd)\.h|netinet/.*|poll\.h|unistd\.h|"
             r"thread|mutex|shared_mutex|condition_variable|future|chrono|ctime|time\.h)",
    "k8s_client": r"(arpa/nameser\.h|resolv\.h)",
    "resolver": r"(thread|mutex|shared_mutex|condition_variable|future)",
}
# Only .cpp files may include these: they cost seconds, and hide behind a private Impl.
HEAVY = ["httplib.h", "ares.h", "ldns/", "rapidjson/", "yaml-cpp/", "CLI/", "prometheus/", "re2/"]

# What the top of the tree may have; beside it `.`-files and Markdown.
TOP_LEVEL = ["LICENSE", "examples", "meson.build", "meson_options.txt", "tests", *PROJECT]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def starts(path, prefixes):
    return any(path == p or (p.endswith("/") and path.startswith(p)) for p in prefixes)


def layer_of(path):
    """The folder whose rules hold for a file; tests of a folder obey that folder's rules."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "tests":
        return parts[1] if parts[1] in PROJECT else None
    return parts[0] if parts[0] in PROJECT else None


def allowed(path, layer, quoted, header):
    """Why this include is wrong, or None."""
    test = path.relative_to(ROOT).parts[0] == "tests"
    if quoted:
        ours = PROJECT[layer] + [f"{layer}/"] + (["tests/"] if test else [])
        if not (ROOT / header).is_file() and not (ROOT / f"{header}.in").is_file():
            return "is not a path from the root"
        return None if starts(header, ours) else f"{layer} must not know it"
    if starts(header, KNOWN_LIBRARIES):
        # Tests may judge by ldns, and use doctest.
        libraries = LIBRARIES[layer] + (["doctest/", "ldns/"] if test else [])
        if not starts(header, libraries):
            return f"{layer} must not use this library"
        if path.suffix == ".h" and starts(header, HEAVY):
            return "a heavy header belongs into a .cpp file"
    elif not test and layer in SYSTEM and re.fullmatch(SYSTEM[layer], header):
        return f"{layer} must not know sockets, threads or clocks"
    return None


def check_includes(path, lines):
    layer, wrong = layer_of(path), []
    if layer is None:
        return wrong
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        why = found and allowed(path, layer, found[1] == '"', found[2])
        if why:
            wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}: {why}")
    return wrong


def check_shape(path, lines):
    wrong, where = [], path.relative_to(ROOT)
    if len(lines) >= MAX_LINES:
        wrong.append(f"{where}: {len(lines)} lines, {MAX_LINES} are too many")
    if path.suffix == ".h":
        if not lines or not lines[0].startswith("//"):
            wrong.append(f"{where}:1: a header opens with what it knows")
        # A precompiled header is never included by name.
        if path.parent.name != "pch" and "#pragma once" not in (line.strip() for line in lines[:15]):
            wrong.append(f"{where}: no #pragma once")
    return wrong


def check_top_level():
    """What is committed, or about to be; nothing is known of a tree without git."""
    if not (ROOT / ".git").exists():
        print("skip: the top of the tree, which git lists")
        return []
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    entries = {path.split("/")[0] for path in listed.split("\0") if path}
    return [f"{entry}: does not belong to the top of the tree" for entry in sorted(entries)
            if entry not in TOP_LEVEL and not entry.startswith(".") and not entry.endswith(".md")]


def main():
    files = sorted(p for folder in [*PROJECT, "tests"] for suffix in ("*.h", "*.cpp", "*.py", "*.sh")
                   for p in (ROOT / folder).rglob(suffix))
    wrong = check_top_level()
    for path in files:
        lines = path.read_text().splitlines()
        wrong += check_includes(path, lines) + check_shape(path, lines)
    for line in wrong:
        print(line)
    print(f"{len(files)} files, {len(wrong)} offences")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
