#!/usr/bin/env python3
"""Makes model files with random weights for tests of loading: make_model.py FILE [age|gender|age_gender]. This needs
onnx."""

import json
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIDE = 32


def main(path: str, task: str) -> None:
    random = np.random.default_rng(7)
    constants, nodes, outputs = [], [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    before, channels = "image", 3
    for i, width in enumerate((24, 32)):
        weights = constant(f"w{i}", random.normal(0, (2 / (9 * channels)) ** 0.5, (width, channels, 3, 3)))
        bias = constant(f"b{i}", np.zeros(width))
        nodes.append(helper.make_node("Conv", [before, weights, bias], [f"c{i}"], kernel_shape=[3, 3], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        before, channels = f"r{i}", width
    nodes.append(helper.make_node("GlobalAveragePool", [before], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    properties = {
        "contract": "1",
        "task": task,
        "name": f"untrained-{task}",
        "version": "0",
        "license": "CC0-1.0",
        "input": json.dumps(
            {"width": SIDE, "height": SIDE, "channels": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3, "align": "box", "margin": 0.2}
        ),
    }
    for name, width, wanted in (("age_logits", 101, "age"), ("gender_logit", 1, "gender")):
        if wanted in task:
            weights = constant(f"{name}_w", random.normal(0, 1, (channels, width)))
            bias = constant(f"{name}_b", random.normal(0, 1, width))
            nodes.append(helper.make_node("Gemm", ["flat", weights, bias], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]))
    if "age" in task:
        properties["age"] = json.dumps(
            {"kind": "distribution", "first": 0, "count": 101, "range": [0, 100], "temperature": 1.0}
        )
    if "gender" in task:
        properties["gender"] = json.dumps({"positive": "female", "temperature": 1.0, "threshold": 0.6})
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "untrained", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {f"face_predict.{key}": value for key, value in properties.items()})
    save(model, path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "age_gender")
