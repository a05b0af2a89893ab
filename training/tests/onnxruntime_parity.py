"""Checks that ONNX Runtime answers as the checkpoint does.

    face-train export --run RUN --out base.onnx --manifest ... --root ... --probes probes.json
    python training/tests/onnxruntime_parity.py base.onnx probes.json

This needs onnxruntime and numpy from PyPI. Files with f16 weights differ by the rounding of the weights.
"""

import json
import sys

import numpy
import onnxruntime


def main(model, probes):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    with open(probes, encoding="utf-8") as file:
        probes = json.load(file)
    with open(model, "rb") as file:
        half = b".f16" in file.read()
    allowed = 2e-2 if half else 1e-4
    worst = 0.0
    for probe in probes:
        image = numpy.asarray(probe["image"], numpy.float32).reshape(probe["shape"])
        names = list(probe["outputs"])
        # The batch size is free, and two equal pictures give the same answer twice.
        for name, got in zip(names, session.run(names, {"image": numpy.concatenate([image, image])})):
            want = numpy.asarray(probe["outputs"][name], numpy.float32)
            scale = max(1.0, float(abs(want).max()))
            worst = max(worst, float(abs(got - want).max()) / scale)
    print(f"{model}: {len(probes)} pictures, largest difference {worst:.1e} of scale, {allowed:.0e} allowed")
    return 0 if worst <= allowed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
