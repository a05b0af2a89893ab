#!/usr/bin/env python3
"""Writes the licence texts of every crate that is linked into the library, and fails if one has none.

    packaging/licences.py [--target TRIPLE] [--output FILE]

It reads `cargo metadata`, follows only normal dependencies (no build scripts, no tests), and takes the texts from the
crates' own folders. Some crates ship only a licence expression and no text. They get the plain text of the licence from
a crate that has it word by word, and are named.
"""

import argparse
import collections
import json
import subprocess
import sys
from pathlib import Path

NAMES = ("licen", "copying", "notice", "unlicense", "copyright")


def metadata(target: str) -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def host() -> str:
    lines = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("host:"))


def linked(data: dict) -> list[dict]:
    """Returns the packages in the library, by name. Procedural macros run in the compiler, and are left out."""
    packages = {p["id"]: p for p in data["packages"]}
    nodes = {n["id"]: n for n in data["resolve"]["nodes"]}
    todo = [p["id"] for p in data["packages"] if p["name"] == "face-predict"]
    seen = set(todo)
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            package = packages[dependency["pkg"]]
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            macro = any("proc-macro" in t["kind"] for t in package["targets"])
            if normal and not macro and package["id"] not in seen:
                seen.add(package["id"])
                todo.append(package["id"])
    return sorted((packages[i] for i in seen if packages[i]["name"] != "face-predict"), key=lambda p: (p["name"], p["version"]))


def texts(package: dict) -> list[tuple[str, str]]:
    folder = Path(package["manifest_path"]).parent
    files = {f for f in folder.iterdir() if f.is_file() and f.name.lower().startswith(NAMES)}
    if package.get("license_file"):
        files.add(folder / package["license_file"])
    return [(f.name, f.read_text(errors="replace").strip()) for f in sorted(files) if f.suffix != ".rs"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default=None)
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    packages = linked(metadata(arguments.target or host()))

    groups: dict[str, list[str]] = collections.defaultdict(list)
    bare, unknown = [], []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        found = texts(package)
        if not package["license"] and not found:
            unknown.append(name)
        if not found:
            bare.append((name, package))
        for file, text in found:
            groups[text].append(f"{name} ({file})")

    out = ["Licences of the crates that are linked into face_predict", ""]
    out += [f"{p['name']} {p['version']}: {p['license'] or 'see its text'} {p['repository'] or ''}" for p in packages]
    if bare:
        apache = min((t for t in groups if "Apache License" in t and "Version 2.0" in t and "END OF TERMS" in t), key=len)
        out += ["", "These ship no text of their own; by their authors' choice they are used under the licence named:"]
        for name, package in bare:
            if "Apache-2.0" in (package["license"] or ""):
                groups[apache].append(f"{name} (by its licence expression)")
            elif "MIT" in (package["license"] or ""):
                holders = ", ".join(package["authors"]) or f"the authors of {package['name']}"
                text = MIT.replace("@", holders)
                groups[text].append(f"{name} (by its licence expression)")
            else:
                unknown.append(name)
            out.append(f"  {name}: {package['license']}, {', '.join(package['authors'])}")
    for text, names in groups.items():
        out += ["", "=" * 100, *names, "-" * 100, "", text]
    if unknown:
        print("no licence is known of: " + ", ".join(unknown), file=sys.stderr)
        return 1
    text = "\n".join(out) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
        print(f"{arguments.output}: {len(packages)} crates, {len(groups)} texts, {len(bare)} by expression")
    else:
        sys.stdout.write(text)
    return 0


MIT = """MIT License

Copyright (c) @

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


if __name__ == "__main__":
    sys.exit(main())
