#!/usr/bin/env python3
"""Keeps what the cards need of the metrics.json that `face-train evaluate` and `evaluate-detector` write.

    scripts/models/keep_metrics.py NAME metrics.json              models/NAME.metrics.json: all, and groups of one kind
    scripts/models/keep_metrics.py NAME metrics.json --kind KIND  models/NAME.KIND.metrics.json: figures of all faces (of val: demands, too)

KIND is one of `KINDS` in figures.py, but not landmarks; for a detector it is still.
"""
import argparse
import json
import os

from figures import KINDS

MODELS = os.path.join(os.path.dirname(__file__), "..", "..", "models")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("metrics")
    parser.add_argument("--kind", choices=[kind for kind in KINDS if kind != "landmarks"] + ["still"])
    options = parser.parse_args()
    with open(options.metrics, encoding="utf-8") as file:
        found = json.load(file)
    if "manifests" in found:
        found["manifests"] = [os.path.basename(path) for path in found["manifests"]]
    found["models"] = found["models"][:1]
    model = found["models"][0]
    # Paths of the machine mean nothing elsewhere.
    model["file"] = f"models/{options.name}.onnx"
    for source, groups in model.get("sources", {}).items():
        keep = (lambda group: group == "all") if options.kind else (lambda group: " / " not in group)
        model["sources"][source] = {group: figures for group, figures in groups.items() if keep(group)}
    if options.kind and options.kind != "val":
        model.pop("reliability", None)
        model.pop("demands", None)
    kind = f".{options.kind}" if options.kind else ""
    with open(os.path.join(MODELS, f"{options.name}{kind}.metrics.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


main()
