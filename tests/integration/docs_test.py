"""The reference in examples/reference and the manual page, held against the program.

Every plugin has a page, every page an example that `keryx check` takes, every flag of -help a place in the
manual page, every metric of the sources a row.
"""
import json
import os
import re
import shutil
import subprocess

from harness import Skip, check, equal
from keryx import run_to_end

EXAMPLE = re.compile(r"^```corefile\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
METRIC = re.compile(r"\b(?:coredns|keryx|process)_[a-z0-9_]+\b")
# Pages that are about no plugin.
OTHERS = {"README", "corefile", "explain", "metrics"}
# What every page of a plugin says.
SECTIONS = ["## Example", "## Differs from CoreDNS"]


def said(t, *args, stdin=""):
    status, out, err = run_to_end(t, args, stdin=stdin)
    check(status == 0, f"{' '.join(args)}: status {status}: {out}{err}")
    return out


def plugins(t):
    return {line.removeprefix("dns.") for line in said(t, "-plugins").split()}


def pages(t):
    folder = t.root / "examples/reference"
    found = {path.stem: path.read_text() for path in sorted(folder.glob("*.md"))}
    with t.case("a page for each plugin, and no other"):
        equal(set(found) - OTHERS, plugins(t), "pages")
    with t.case("the index names each page"):
        linked = {link.removesuffix(".md") for link in LINK.findall(found["README"]) if "/" not in link}
        equal(linked, set(found) - {"README"}, "links")
    for name in sorted(set(found) - {"README", "metrics"}):
        text = found[name]
        with t.case(f"{name}.md: its example loads"):
            examples = EXAMPLE.findall(text)
            check(examples, "no example")
            for example in examples:
                out = said(t, "check", "-conf", "stdin", stdin=example)
                check(out.endswith("stdin: valid\n"), out)
                check(name in OTHERS or re.search(rf"^ *{name}\b", example, re.MULTILINE), f"no {name} in it")
        with t.case(f"{name}.md: its sections"):
            check(text.startswith(f"# {name}\n") or name in OTHERS, text[:40])
            missing = [x for x in SECTIONS if name not in OTHERS and f"\n{x}\n" not in text]
            equal(missing, [], "missing")
    return found


def refused(t, found):
    with t.case("what the index calls not supported is refused so"):
        section = found["README"].split("## Not supported")[1].split("; and listeners")[0]
        names = re.findall(r"`(\w+)`", section)
        check(len(names) > 20, names)
        for name in names:
            status, _, err = run_to_end(t, ["check", "-conf", "stdin"], stdin=f". {{\n    {name}\n}}\n")
            check(status == 1 and "plugin not supported in this version" in err, f"{name}: {status} {err}")


def links(t):
    texts = [*(t.root / "examples").rglob("*.md"), *t.root.glob("*.md")]
    with t.case("links lead somewhere"):
        broken = [f"{path.relative_to(t.root)}: {link}" for path in texts for link in LINK.findall(path.read_text())
                  if "://" not in link and not (path.parent / link).exists()]
        equal(broken, [], "broken")


def metrics(t, found):
    with t.case("metrics.md has every metric that there is"):
        rows = set(re.findall(r"^\| `(\w+)` \|", found["metrics"], re.MULTILINE))
        source = (t.root / "server/metric_names.h").read_text()
        equal(rows ^ set(METRIC.findall(source)), set(), "in one of the two only")


def explanation(t, found):
    with t.case("explain.md shows what is said of examples/kubia"):
        shown = re.search(r"^    \$ keryx explain (.*)\n((?:    .*\n|\n)+)", found["explain"], re.MULTILINE)
        status, out, _ = run_to_end(t, ["explain", *shown[1].split()], cwd=t.root)
        equal(status, 0)
        # loadbalance turns the order of the addresses.
        lines = sorted(line.removeprefix("    ") for line in shown[2].rstrip("\n").split("\n"))
        equal(lines, sorted(out.rstrip("\n").split("\n")), "lines")
    for page in ("README.md", "examples/kubia/README.md"):
        with t.case(f"{page}: what explain is said to find"):
            text = (t.root / page).read_text()
            shown = re.findall(r"^ +\$ keryx explain (\S+)(?: (SRV))? .*\n(?: +\.\.\.\n)?(?: +Findings\n)?"
                               r" +(?:error|warning|note): +(.*)\n +cure: (.*)$", text, re.MULTILINE)
            check(shown, "no example")
            for name, kind, cause, cure in shown:
                # In full, so that nothing is asked upstream.
                full = f"{name}.svc.cluster.local." if "." in name else name
                _, out, _ = run_to_end(t, ["explain", full, kind or "A", "-o", "json", "-conf",
                                           "examples/kubia/Corefile"], cwd=t.root)
                found_there = [(x["cause"], x["cure"]) for x in json.loads(out)["findings"]]
                check((cause, cure) in found_there, f"{name}: {found_there}")


def manual(t):
    page = t.root / "examples/keryx.8"
    with t.case("the manual page has the flags of -help"):
        help_text = said(t, "-help")
        options = help_text.split("Options:")[1].split("Subcommands:")[0]
        options += said(t, "explain", "-help").split("Options:")[1].split("Exit status")[0]
        flags = set(re.findall(r"(?:^ +|,)--?([a-z][a-z.-]*)", options, re.MULTILINE))
        text = page.read_text()
        equal(set(re.findall(r"^\.It Fl ([\w.-]+)", text, re.MULTILINE)) |
              set(re.findall(r"^\.It Fl .*, Fl ([\w.-]+)", text, re.MULTILINE)), flags, "flags")
        commands = re.findall(r"^  ([a-z]+)  ", help_text.split("Subcommands:")[1].split("Flags may")[0], re.MULTILINE)
        equal(set(re.findall(r"^\.Cm (check|explain|top)", text, re.MULTILINE)), set(commands), "subcommands")
        for word in re.findall(r"^  (SIG\w+)", help_text, re.MULTILINE):
            check(word in text, f"{word} is not in the manual page")
    with t.case("the manual page is well-formed"):
        if not shutil.which("mandoc"):
            raise Skip("no mandoc here")
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C"})
        equal((lint.returncode, lint.stdout), (0, ""), "mandoc")


def run(t):
    found = pages(t)
    refused(t, found)
    links(t)
    metrics(t, found)
    explanation(t, found)
    manual(t)
