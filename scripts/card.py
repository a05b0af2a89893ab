#!/usr/bin/env python3
"""Writes models/NAME.md and README's table from what `face-train evaluate` measured.

    build/venv/bin/python scripts/card.py NAME [--check]

Reads models/NAME.onnx (metadata, size, checksum), models/NAME.metrics.json (by landmarks) and, where it exists,
models/NAME.picture.metrics.json (pictures taken as one face). --check fails where a file is not what would be written.
The words about data and use are in models/NAME.notes.md.
"""
import hashlib
import json
import os
import re
import sys

import onnx

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAME = sys.argv[1]
CHECK = "--check" in sys.argv[2:]


def path(*parts):
    return os.path.join(ROOT, *parts)


def text(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read()


def metrics(name):
    if not os.path.exists(path(name)):
        return None
    return json.loads(text(name))["models"][0]["sources"]


def show(figures, name, percent):
    figure = figures.get(name)
    # With brackets alone it is the network's own idea of the interval, not a measurement.
    if not figure or (name == "coverage_80" and "age_mae" not in figures):
        return ""
    scale, digits = (100, 1) if percent else (1, 2)
    value, low, high = (figure[k] * scale for k in ("value", "low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


COLUMNS = [
    ("age error, years", "age_mae", False),
    ("within 5 years, %", "age_cs5", True),
    ("bracket, %", "bracket_accuracy", True),
    ("in 80 % interval, %", "coverage_80", True),
    ("gender, %", "gender_accuracy", True),
]


def order(name):
    """Age bands by age, then the rest by name."""
    start = re.match(r"\d+", name)
    return (0, int(start.group()), name) if start else (1, 0, name)


def table(groups, names):
    columns = [c for c in COLUMNS if any(show(groups[n], c[1], c[2]) for n in names)]
    lines = ["| | faces | " + " | ".join(c[0] for c in columns) + " |", "| --- " * (len(columns) + 2) + "|"]
    for name in names:
        faces = max(figure["faces"] for figure in groups[name].values())
        cells = [show(groups[name], key, percent) for _, key, percent in columns]
        lines.append(f"| {name} | {faces} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def overview(found, title):
    lines = [f"| {title} | faces | " + " | ".join(c[0] for c in COLUMNS) + " |", "| --- " * (len(COLUMNS) + 2) + "|"]
    for source, groups in sorted(found.items(), reverse=True):
        cells = [show(groups["all"], key, percent) for _, key, percent in COLUMNS]
        faces = max(figure["faces"] for figure in groups["all"].values())
        lines.append(f"| {source} | {faces} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def put(name, wanted):
    current = text(name) if os.path.exists(path(name)) else ""
    if current == wanted:
        return
    if CHECK:
        sys.exit(f"{name} is not what scripts/card.py {NAME} writes")
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(wanted)


def main():
    with open(path(f"models/{NAME}.onnx"), "rb") as file:
        data = file.read()
    model = onnx.load_from_string(data)
    meta = {p.key.removeprefix("face_predict."): p.value for p in model.metadata_props}
    found = metrics(f"models/{NAME}.metrics.json")
    if found is None:
        sys.exit(f"models/{NAME}.metrics.json: run face-train evaluate first")
    as_picture = metrics(f"models/{NAME}.picture.metrics.json")
    facts = "\n".join(f"| {key} | {value} |" for key, value in [
        ("name, version", f"{meta['name']} {meta['version']}"),
        ("data", meta["data"]), ("licence of the weights", meta["license"]), ("git revision", meta["revision"]),
        ("file", f"`models/{NAME}.onnx`, {len(data):,} bytes"), ("SHA-256", f"`{hashlib.sha256(data).hexdigest()}`"),
        ("input", f"`{meta['input']}`"), ("age", f"`{meta['age']}`"), ("gender", f"`{meta['gender']}`")])
    parts = [f"# {NAME}\n\n| | |\n| --- | --- |\n{facts}\n",
             text(f"models/{NAME}.notes.md").strip() + "\n",
             "## Figures\n\nTest parts, through the library; 95 % bootstrap intervals. Gender is a label that strangers gave "
             "a face, in two values. Age is the median of the distribution; FairFace has brackets only, of which the one with "
             "the most probability counts.\n",
             overview(found, "faces placed by landmarks") + "\n"]
    if as_picture:
        parts.append(overview(as_picture, "picture taken as one face") + "\n")
    for source, groups in sorted(found.items(), reverse=True):
        single = sorted((n for n in groups if " / " not in n and n != "all"), key=order)
        parts.append(f"### {source} by age, gender and race label\n\n{table(groups, single)}\n")
    put(f"models/{NAME}.md", "\n".join(parts))
    readme = text("README.md")
    block = re.compile(r"(<!-- figures -->\n).*?(<!-- end -->)", re.S)
    if NAME == "base":
        new = overview(found, "test parts, by landmarks")
        put("README.md", block.sub(lambda m: m.group(1) + new + "\n" + m.group(2), readme))


main()
