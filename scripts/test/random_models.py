#!/usr/bin/env python3
"""Writes model files with random graphs, whose shapes, attributes and constants often do not fit.

    scripts/test/random_models.py DIR [COUNT [SEED]]      3,000 files of seed 1

They show what mutated bytes seldom reach: operators whose inputs disagree. Load them with AddressSanitizer, after
`scripts/test/fuzz.sh --build`:

    build/fuzz/target/x86_64-unknown-linux-gnu/release/model_bytes DIR -runs=0 -timeout=120

Each file is the age network of fuzz/seeds, and adds the mean of a random graph's numbers to its answer. Needs the
Python packages numpy and onnx.
"""

import random
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
SIDES = [1, 1, 2, 3, 4, 5, 7, 8, 16, 17]
ONE_INPUT = (
    "Relu LeakyRelu HardSigmoid HardSwish Sigmoid Elu Erf Abs Neg Sqrt Exp Log Shape Dropout GlobalAveragePool GlobalMaxPool"
).split()
SEVERAL_INPUTS = "Add Sub Mul Div Pow Min Max PRelu Where Clip Equal MatMul Concat".split()
LISTED = "Reshape Expand Unsqueeze Squeeze Split Tile".split()
SPECIAL = (
    "Conv ConvTranspose MaxPool AveragePool BatchNormalization Cast Gather Gemm Einsum Pad Resize Slice Transpose Softmax Flatten "
    "ReduceMean ReduceMax ReduceL2 ReduceSumSquare ConstantOfShape"
).split()


class Graph:
    """A random graph that grows node by node."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.constants: list[onnx.TensorProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.wires = ["image"]

    def constant(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def shape(self, rank: int | None = None) -> list[int]:
        rank = self.rng.choice([0, 1, 2, 2, 3, 4, 4, 4, 5]) if rank is None else rank
        return [self.rng.choice(SIDES) for _ in range(rank)]

    def numbers(self, shape: list[int] | None = None) -> str:
        shape = self.shape() if shape is None else shape
        values = ((np.arange(np.prod(shape, dtype=int)) * 7919 + 13) % 2003 / 1001 - 1).astype(np.float32).reshape(shape)
        kinds = [np.float32] * 16 + [np.float16, np.int64, np.uint8, np.bool_]
        return self.constant((values * 5).astype(self.rng.choice(kinds)))

    def integers(self, count: int, low: int = -3, high: int = 9) -> str:
        extreme = [0, -1, 2**31, 2**40, 2**63 - 1, -(2**63)]
        one = lambda: self.rng.choice(extreme) if self.rng.random() < 0.1 else self.rng.randint(low, high)
        return self.constant(np.array([one() for _ in range(count)], dtype=np.int64))

    def wire(self) -> str:
        kind = self.rng.random()
        if kind < 0.35:
            return self.rng.choice(self.wires)
        return self.numbers() if kind < 0.85 else self.integers(self.rng.randint(0, 5))

    def window(self) -> list[int]:
        return [self.rng.choice([1, 1, 2, 3, 5]) for _ in range(self.rng.choice([2, 2, 2, 1, 3]))]

    def node(self, operator: str) -> None:
        inputs, attributes = self.arguments(operator)
        output = f"n{len(self.nodes)}"
        outputs = [output]
        if operator == "Split":
            outputs += [f"{output}.{i}" for i in range(self.rng.randint(0, 3))]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=output, **attributes))
        self.wires = [self.rng.choice(outputs)] + (self.wires[:2] if self.rng.random() < 0.5 else [])

    def arguments(self, operator: str) -> tuple[list[str], dict]:
        rng = self.rng
        picture = lambda: rng.choice(["image", self.numbers(self.shape(4)), self.wire()])
        axis = {"axis": rng.randint(-5, 5)}
        if operator in ONE_INPUT:
            return [self.wire()], {}
        if operator in SEVERAL_INPUTS:
            count = 3 if operator in ("Where", "Clip") else 2
            return [self.wire() for _ in range(count)], axis if operator == "Concat" else {}
        if operator in LISTED:
            return [self.wire(), self.integers(rng.randint(0, 5))], axis if operator == "Split" else {}
        if operator in ("Conv", "ConvTranspose", "MaxPool", "AveragePool"):
            return self.windowed(operator, picture())
        if operator == "BatchNormalization":
            lists = [self.numbers([rng.choice([3, 3, 3, 1, 4])]) for _ in range(4)]
            return [picture(), *lists], {}
        if operator == "Gemm":
            more = [self.numbers(self.shape(rng.choice([0, 1, 2, 3])))] if rng.random() < 0.5 else []
            return [self.numbers(self.shape(2)), self.numbers(self.shape(2)), *more], {"transA": rng.randint(0, 1), "transB": rng.randint(0, 1)}
        if operator == "Einsum":
            equations = ["ij,jk->ik", "ij,ij->i", "bij,bjk->bik", "i,i->", "ijkl,kl->ij"]
            return [self.numbers(self.shape(rng.choice([1, 2, 2, 3, 4]))) for _ in range(2)], {"equation": rng.choice(equations)}
        if operator == "Gather":
            return [self.wire(), self.integers(4, -6, 9)], axis
        if operator == "Pad":
            return [self.wire(), self.integers(rng.choice([8, 8, 4, 6]), -2, 6)], {"mode": rng.choice(["constant", "reflect", "edge"])}
        if operator == "Resize":
            scales = [rng.choice([1, 1, 2, 0.5, 0, -1, 1.5, 1e9]) for _ in range(rng.choice([4, 4, 3]))]
            sizes = self.integers(rng.choice([4, 4, 3]), 0, 32)
            places = ["asymmetric", "align_corners", "half_pixel"]
            inputs = rng.choice([["", self.constant(np.array(scales, dtype=np.float32))], ["", "", sizes]])
            return [picture(), *inputs], {"mode": rng.choice(["nearest", "linear"]), "coordinate_transformation_mode": rng.choice(places)}
        if operator == "Slice":
            count = rng.randint(1, 4)
            return [self.wire(), *(self.integers(count, -100, 100) for _ in range(2)), self.integers(count, -4, 4)], {}
        if operator == "Transpose":
            return [self.wire()], {"perm": rng.choice([[0, 2, 3, 1], [1, 0], [2, 1, 0], [0, 0, 1, 2], [0, 1, 2, 4]])}
        if operator == "Cast":
            return [self.wire()], {"to": rng.choice([1, 2, 6, 7, 9, 10, 11])}
        if operator == "ConstantOfShape":
            return [self.integers(rng.randint(0, 4), 0, 6)], {}
        if operator.startswith("Reduce"):
            return [self.wire()], {"axes": [rng.randint(-5, 5) for _ in range(rng.randint(1, 3))], "keepdims": rng.randint(0, 1)}
        return [self.wire()], axis

    def windowed(self, operator: str, picture: str) -> tuple[list[str], dict]:
        rng = self.rng
        attributes = {"kernel_shape": self.window()}
        inputs = [picture]
        if operator.startswith("Conv"):
            shape = [rng.choice([1, 2, 3, 6]), rng.choice([1, 2, 3, 4]), *attributes["kernel_shape"]]
            inputs.append(self.numbers(shape))
            attributes["group"] = rng.choice([1, 1, 2, 3])
            if rng.random() < 0.5:
                inputs.append(self.numbers([rng.choice([shape[0], shape[0], 3])]))
        for name, values in [("pads", [rng.choice([0, 0, 1, 9, -1]) for _ in range(rng.choice([4, 4, 2]))]), ("strides", self.window())]:
            if rng.random() < 0.5:
                attributes[name] = values
        return inputs, attributes


def model(rng: random.Random, like: onnx.ModelProto) -> onnx.ModelProto:
    graph = Graph(rng)
    for _ in range(rng.randint(1, 4)):
        graph.node(rng.choice(ONE_INPUT + SEVERAL_INPUTS + LISTED + 2 * SPECIAL))
    weights = graph.constant(np.ones([3, 101], dtype=np.float32))
    end = [
        ("Cast", [graph.wires[0]], "number", {"to": 1}),
        ("ReduceMean", ["number"], "mean", {"keepdims": 0}),
        ("GlobalAveragePool", ["image"], "pooled", {}),
        ("Flatten", ["pooled"], "flat", {}),
        ("MatMul", ["flat", weights], "logits", {}),
        ("Add", ["logits", "mean"], "age_logits", {}),
    ]
    nodes = graph.nodes + [helper.make_node(name, inputs, [output], **more) for name, inputs, output, more in end]
    body = helper.make_graph(nodes, "random", like.graph.input, like.graph.output, graph.constants)
    made = helper.make_model(body, opset_imports=[helper.make_opsetid("", rng.choice([11, 13, 17]))])
    made.metadata_props.extend(like.metadata_props)
    return made


def main() -> None:
    folder = Path(sys.argv[1])
    count, seed = (int(text) for text in (sys.argv[2:] + ["3000", "1"][len(sys.argv) - 2 :]))
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    like = onnx.load(str(ROOT / "fuzz/seeds/model_bytes/age"))
    for index in range(count):
        (folder / f"{seed}-{index}.onnx").write_bytes(model(rng, like).SerializeToString())


if __name__ == "__main__":
    main()
