#!/usr/bin/env python3
"""The library and ONNX Runtime must agree on real faces and on noise, within 1e-4 of each probability.

    build/venv/bin/python scripts/test/parity.py PROBE MODEL.onnx IMAGE...     PROBE: the example `probe`, built
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from PIL import Image

LIMIT = 1e-4


def softmax(logits):
    years = numpy.exp(logits - logits.max())
    return years / years.sum()


def doubt(head, line):
    """Returns the factor of the temperature for the library's quality flags."""
    return numpy.prod([head.get("doubt", {}).get(name, 1.0) for name in line["quality"]])


def main():
    probe, path, *images = sys.argv[1:]
    meta = {p.key: p.value for p in onnx.load(path).metadata_props}
    age, gender = (json.loads(meta[f"face_predict.{k}"]) for k in ("age", "gender"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        noise = os.path.join(folder, "noise.png")
        pixels = numpy.random.default_rng(1).integers(0, 256, (120, 120, 3), numpy.uint8)
        Image.fromarray(pixels).save(noise)
        lines = subprocess.run([probe, path, *images, noise], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    for line in map(json.loads, lines):
        planes = numpy.asarray(line["planes"], numpy.float32).reshape(line["shape"])
        logits, logit = session.run(["age_logits", "gender_logit"], {"image": planes})
        logits = logits[0].astype(numpy.float64) / age["temperature"]
        years = softmax(logits)
        factor = doubt(age, line)
        at = numpy.arange(age["first"], age["first"] + age["count"])
        expected = (years * at).sum()
        if age.get("by_age"):
            factor *= numpy.interp(expected, *zip(*age["by_age"]))
        if age.get("by_width"):
            factor *= numpy.interp(numpy.sqrt((years * (at - expected) ** 2).sum()), *zip(*age["by_width"]))
        years = softmax(logits / factor)
        positive = 1 / (1 + numpy.exp(-float(logit[0, 0]) / (gender["temperature"] * doubt(gender, line))))
        female = positive if gender["positive"] == "female" else 1 - positive
        first = age["first"]
        worst = max(worst, abs(years - numpy.asarray(line["years"])[first:first + age["count"]]).max(),
                    abs(female - line["female"]))
    print(f"{path}: {len(lines)} pictures, probabilities differ by {worst:.1e} at most")
    sys.exit(int(worst > LIMIT))


main()
