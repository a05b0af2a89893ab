#!/usr/bin/env python3
"""Runs the commands and programs that README and docs/ show, or checks that they say why they are not run.

    scripts/test/commands.py             runs them
    scripts/test/commands.py --list      checks the marks alone
    scripts/test/commands.py PAGE...     these pages

A block of sh, python or c needs a mark in a comment right above it:

    <!-- run -->               it is run here, from top to bottom of its page, and must succeed
    <!-- tested by FILE -->    FILE, a test in this repository, runs the same
    <!-- not run: REASON -->   no test runs it

Blocks run in a temporary folder that looks like the repository, with the portrait as photo.jpg. The library is taken from FP_BUILT
(target/release/deps), and `cargo build` is left out: building is what other tests do. A block of c is the body of a function.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGET = os.path.abspath(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")))
BUILT = os.path.abspath(os.environ.get("FP_BUILT", os.path.join(TARGET, "release", "deps")))
PORTRAIT = os.path.join(ROOT, "examples", "images", "eileen_collins.png")
KINDS = ("sh", "python", "c")
# These variables are not in a reader's shell.
HIDDEN = ("PYTHONPATH", "FACE_PREDICT_LIBRARY", "MAKEFLAGS", "CARGO_TARGET_DIR", "FP_BUILT", "FP_NO_BUILD")
BLOCK = re.compile(r"^(?P<mark>[^\n]*)\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
MARK = re.compile(r"^<!-- (?:(?P<run>run)|tested by (?P<file>\S+)|not run: (?P<reason>.*\S)) -->$")

# The tests' own build serves `cargo build` and `cargo run`. All else goes to Cargo.
CARGO = """#!/bin/sh
case "$1" in
build | rustc) exit 0 ;;
run) while [ "$1" != --example ]; do shift; done; name=$2; shift 2; [ "${1-}" = -- ] && shift; exec "%s/release/examples/$name" "$@" ;;
esac
echo "commands.py: no cargo $1 here" >&2
exit 1
"""


def pages():
    docs = os.path.join(ROOT, "docs")
    found = [os.path.join(folder, name) for folder, _, names in os.walk(docs) for name in names if name.endswith(".md")]
    return [os.path.join(ROOT, "README.md"), *sorted(found)]


def blocks(page):
    """Returns the kind, mark, text and line of each block that needs a mark."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    # A fence that ends one block must not begin the next.
    for match in BLOCK.finditer(text):
        if match["kind"] in KINDS:
            yield match["kind"], match["mark"], match["text"], text.count("\n", 0, match.start("kind")) + 1


def indented(page):
    """Returns lines of indented code. They cannot have a mark, so a fence is needed."""
    with open(page, encoding="utf-8") as file:
        lines = file.read().split("\n")
    fenced = listed = False
    for number, text in enumerate(lines, 1):
        fenced ^= text.lstrip().startswith("```")
        if text.strip() and not text.startswith(" "):
            listed = bool(re.match(r"[-*] |\d+\. ", text))
        if not fenced and not listed and text.startswith("    ") and not lines[number - 2].strip():
            yield number


def sandbox(folder):
    """Makes a folder with the contents of the repository, the built library in Cargo's place, and a photo."""
    for name in os.listdir(ROOT):
        if name not in (".git", "target", "build", "bindings"):
            os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
    # pip writes files beside what it installs.
    shutil.copytree(os.path.join(ROOT, "bindings"), os.path.join(folder, "bindings"), ignore=shutil.ignore_patterns("node_modules", "build"))
    os.makedirs(os.path.join(folder, "build"))
    os.makedirs(os.path.join(folder, "bin"))
    # `make demo` builds with a profile of its own.
    for profile in ("release", "quick"):
        os.makedirs(os.path.join(folder, "target", profile))
        for name in ("libface_predict.a", "libface_predict.so"):
            os.symlink(os.path.join(BUILT, name), os.path.join(folder, "target", profile, name))
    shutil.copy(PORTRAIT, os.path.join(folder, "photo.jpg"))
    cargo = os.path.join(folder, "bin", "cargo")
    with open(cargo, "w", encoding="utf-8") as file:
        file.write(CARGO % TARGET)
    os.chmod(cargo, 0o755)
    subprocess.run([sys.executable, "-m", "venv", os.path.join(folder, "venv")], check=True)
    path = [os.path.join(folder, part) for part in ("venv/bin", "bin")]
    surroundings = {key: value for key, value in os.environ.items() if key not in HIDDEN}
    return surroundings | {
        "PATH": os.pathsep.join([*path, os.environ["PATH"]]),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_QUIET": "1",
    }


def command(kind, text, folder):
    if kind == "sh":
        return ["bash", "-euo", "pipefail", "-c", text]
    if kind == "python":
        return [os.path.join(folder, "venv", "bin", "python"), "-c", text]
    source = os.path.join(folder, "build", "block.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(f"#include <face_predict.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) {{\n{text}\nreturn 0;\n}}\n")
    libraries = "-lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack"
    compile = f"cc -std=c99 -Wall -Wextra -Werror -Wno-unused-result -Iinclude {source} target/release/libface_predict.a {libraries} -o build/block"
    return ["sh", "-ec", f"{compile}; build/block"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="check the marks alone")
    parser.add_argument("pages", nargs="*")
    options = parser.parse_args()
    wrong = []
    counts = {"run": 0, "tested elsewhere": 0, "not run": 0}
    for page in [os.path.abspath(page) for page in options.pages] or pages():
        wrong += [f"{os.path.relpath(page, ROOT)}:{line}: indented code instead of a fenced block" for line in indented(page)]
        with tempfile.TemporaryDirectory() as folder:
            environment = None
            for kind, mark, text, line in blocks(page):
                place = f"{os.path.relpath(page, ROOT)}:{line}"
                found = MARK.match(mark)
                if not found:
                    wrong.append(f"{place}: a block of {kind} without a mark")
                elif found["file"]:
                    counts["tested elsewhere"] += 1
                    if not os.path.isfile(os.path.join(ROOT, found["file"])):
                        wrong.append(f"{place}: there is no test {found['file']}")
                elif found["reason"]:
                    counts["not run"] += 1
                elif not options.list:
                    counts["run"] += 1
                    environment = environment or sandbox(folder)
                    # A Python program finds the package as if it were installed, but a shell command has to install it.
                    given = {"PYTHONPATH": os.path.join(folder, "bindings", "python", "src"), "FACE_PREDICT_LIBRARY": os.path.join(BUILT, "libface_predict.so")}
                    done = subprocess.run(command(kind, text, folder), cwd=folder, env=environment | (given if kind == "python" else {}), stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, text=True, timeout=600)
                    print(f"== {place}\n{done.stdout}", end="")
                    if done.returncode != 0:
                        wrong.append(f"{place}: ended with {done.returncode}")
    for problem in wrong:
        print(problem, file=sys.stderr)
    print(", ".join(f"{count} {how}" for how, count in counts.items()) + f", {len(wrong)} wrong")
    if not options.list and not options.pages and counts["run"] == 0:
        sys.exit("nothing was run")
    return 1 if wrong else 0


sys.exit(main())
