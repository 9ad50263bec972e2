"""The load of the benches (tests/bench/load), for suites: compiled where it is needed."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile

from harness import Skip


@contextlib.contextmanager
def load_tool(root):
    """A function of options that runs it, and gives what it has printed."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise Skip("no compiler for the load")
    with tempfile.TemporaryDirectory(prefix="keryx-load-") as name:
        folder = pathlib.Path(name)
        subprocess.run([compiler, "-O1", "-std=c++20", "-pthread", "-I", root, "-o", folder / "load",
                        *sorted((root / "tests/bench/load").glob("*.cpp"))], check=True)

        def load(port, questions, **options):
            """`questions`: lines of NAME TYPE [RCODE [ANSWERS]]; an option `in_flight=5` is --in-flight 5."""
            (folder / "questions").write_text("\n".join(questions) + "\n")
            words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
            done = subprocess.run([folder / "load", "--port", str(port), "--questions", folder / "questions", *words],
                                  capture_output=True, text=True, check=False)
            if not done.stdout:
                raise AssertionError(f"the load failed: {done.stderr}")
            return json.loads(done.stdout)
        yield load
