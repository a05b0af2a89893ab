#!/usr/bin/env python3
"""Measures all figures of an estimator's card, and writes the card.

    build/venv/bin/python scripts/models/figures.py NAME --sets SETS --root DATA [--only KIND ...]

SETS has a manifest for each set, such as SETS/aaf.csv. Those of `KINDS` must be there, with the parts test and val. NAME is base, tiny
or base-open. It measures the kinds that the card of NAME has: some ten minutes for base on two cores. The result of each kind is kept
in models/ as soon as it is there, so a run that was interrupted goes on with --only. FACE_TRAIN is the program.
"""
import argparse
import os
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TWO = ["utkface", "fairface"]
SEVEN = TWO + ["aaf", "appa", "fiw", "lfw", "scut"]
# The sets of each kind, the arguments of `evaluate`, and the draws for the intervals.
KINDS = {
    "landmarks": (SEVEN, [], 200),
    "search": (SEVEN, ["--search"], 200),
    "val": (["utkface", "fairface", "aaf", "appa"], ["--split", "val"], 200),
    "picture": (TWO, ["--placement", "picture"], 200),
    "crops2": (TWO, ["--crops", "2"], 100),
    "crops8": (TWO, ["--crops", "8"], 100),
    "small": (TWO, ["--fault", "small"], 100),
    "blurred": (TWO, ["--fault", "blurred"], 100),
    "dark": (TWO, ["--fault", "dark"], 100),
    "bright": (TWO, ["--fault", "bright"], 100),
}
CARDS = {
    "base": list(KINDS),
    "tiny": ["landmarks", "picture", "val"],
    "base-open": ["landmarks", "search", "val"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=CARDS)
    parser.add_argument("--sets", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--only", nargs="+", choices=KINDS)
    parser.add_argument("--workers", default="1")
    options = parser.parse_args()
    program = os.environ.get("FACE_TRAIN", "face-train")
    scripts = os.path.dirname(os.path.abspath(__file__))
    for kind in options.only or CARDS[options.name]:
        sets, arguments, resamples = KINDS[kind]
        manifests = [part for name in sets for part in ("--manifest", os.path.join(options.sets, f"{name}.csv"))]
        print(f"{options.name}, {kind}", flush=True)
        with tempfile.TemporaryDirectory() as out:
            model = os.path.join(ROOT, "models", f"{options.name}.onnx")
            subprocess.run([program, "evaluate", "--model", model, *manifests, "--root", options.root, *arguments, "--resamples", str(resamples),
                            "--workers", options.workers, "--out", out], check=True, stdout=subprocess.DEVNULL)
            keep = [sys.executable, os.path.join(scripts, "keep_metrics.py"), options.name, os.path.join(out, "metrics.json")]
            subprocess.run(keep + ([] if kind == "landmarks" else ["--kind", kind]), check=True)
    subprocess.run([sys.executable, os.path.join(scripts, "card.py"), options.name], check=True)


if __name__ == "__main__":
    main()
