"""Times plain tract, fast convolutions and ONNX Runtime on one thread, in turns in one run.

Usage: conv.py PROGRAM [--rounds N] [FILE.onnx ...]

It writes networks with random weights of the shapes that DESIGN names. It times them and the given files: CPU time,
median and minimum, in milliseconds. PROGRAM is the example `conv_bench`.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "bench"


class Net:
    """An ONNX graph that grows layer by layer, and counts its multiplications."""

    def __init__(self, height, width, seed):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.weights, self.outputs = [], [], []
        self.shape = (3, height, width)
        self.input = [1, 3, height, width]
        self.wire = "image"
        self.macs = 0

    def constant(self, shape, scale):
        name = f"w{len(self.weights)}"
        value = self.random.normal(0, scale, shape).astype(numpy.float32)
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def conv(self, channels, kernel, stride, relu=True, pad=None):
        pad = (1 if kernel == 3 else 0) if pad is None else pad
        before, height, width = self.shape
        taps = before * kernel * kernel
        height = (height + 2 * pad - kernel) // stride + 1
        width = (width + 2 * pad - kernel) // stride + 1
        weights = self.constant((channels, before, kernel, kernel), (2 / taps) ** 0.5)
        bias = self.constant((channels,), 0.1)
        self.wire = self.node(
            "Conv", [self.wire, weights, bias], kernel_shape=[kernel] * 2,
            strides=[stride] * 2, pads=[pad] * 4)
        if relu:
            self.wire = self.node("Relu", [self.wire])
        self.shape = (channels, height, width)
        self.macs += taps * channels * height * width
        return self

    def head(self, name, channels):
        """Adds a 1 x 1 convolution beside the trunk, as an output."""
        wire, shape = self.wire, self.shape
        self.conv(channels, 1, 1, relu=False)
        self.outputs.append((name, self.wire, [1, *self.shape]))
        self.wire, self.shape = wire, shape
        return self

    def pooled(self, **heads):
        wire = self.node("GlobalAveragePool", [self.wire])
        wire = self.node("Flatten", [wire], axis=1)
        for name, count in heads.items():
            weights = self.constant((self.shape[0], count), 0.05)
            out = self.node("Gemm", [wire, weights, self.constant((count,), 0.1)])
            self.outputs.append((name, out, [1, count]))
            self.macs += self.shape[0] * count
        return self

    def save(self, path):
        for node in self.nodes:
            for name, wire, _ in self.outputs:
                node.input[:] = [name if i == wire else i for i in node.input]
                node.output[:] = [name if o == wire else o for o in node.output]
        graph = helper.make_graph(
            self.nodes, path.stem,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, self.input)],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, _, s in self.outputs],
            self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.save(model, path)


def estimator(side, widths, depths):
    net = Net(side, side, 1).conv(widths[0], 4, 4)
    for stage, (width, depth) in enumerate(zip(widths, depths)):
        if stage > 0:
            net.conv(width, 3, 2)
        for _ in range(depth):
            net.conv(width, 3, 1)
    return net.pooled(age_logits=101, gender_logit=1)


def detector():
    net = Net(240, 320, 2).conv(16, 4, 4).conv(16, 3, 1)
    net.conv(32, 3, 2).conv(32, 3, 1).head("stride8", 15)
    return net.conv(48, 3, 2).conv(48, 3, 1).head("stride16", 15)


NETS = {
    "estimator-64-128-256": (lambda: estimator(96, (64, 128, 256), (1, 2, 1)), 0.5),
    "estimator-48-96-192": (lambda: estimator(96, (48, 96, 192), (1, 2, 1)), 0.5),
    "tiny-64px": (lambda: estimator(64, (48, 96, 192), (1, 1, 1)), 0.6),
    "detector-320x240": (detector, 0.8),
}


def runtime(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    shape = [dim if isinstance(dim, int) else 1 for dim in source.shape]
    feed = {source.name: numpy.random.default_rng(0).random(shape, dtype=numpy.float32)}

    def times(count):
        result = []
        for _ in range(count):
            start = time.thread_time_ns()
            session.run(None, feed)
            result.append(time.thread_time_ns() - start)
        return result

    return times, shape


def measure(program, path, rounds):
    theirs, shape = runtime(path)
    command = [program, "--serve", "--shape", "x".join(map(str, shape)), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        facts = json.loads(process.stdout.readline())

        def ours(kind, count):
            process.stdin.write(f"{kind} {count}\n")
            process.stdin.flush()
            return [int(word) for word in process.stdout.readline().split()]

        times = {"runtime": [], "plain": [], "fast": []}
        for round in range(rounds + 3):
            got = {"runtime": theirs(5), "plain": ours("plain", 5), "fast": ours("fast", 5)}
            # The first rounds warm up caches and memory.
            if round >= 3:
                for kind in times:
                    times[kind] += got[kind]
        process.stdin.close()
    for kind, values in times.items():
        facts[kind] = {"median": statistics.median(values) / 1e6, "min": min(values) / 1e6}
    return facts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=60, help="of five runs each")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each file too")
    parser.add_argument("--only-files", action="store_true", help="leave the random networks out")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()

    FOLDER.mkdir(parents=True, exist_ok=True)
    jobs = []
    for name, (build, goal) in ({} if options.only_files else NETS).items():
        path = FOLDER / f"{name}.onnx"
        net = build()
        net.save(path)
        jobs.append((name, path, f"{net.macs / 1e6:.0f}", goal))
    jobs += [(path.stem, path, "", None) for path in options.files]

    print(f"onnxruntime {onnxruntime.__version__}, one thread, CPU ms, median (minimum)")
    print(f"{'network':<22}{'MMAC':>5}{'ONNX Runtime':>17}{'plain tract':>17}{'fast':>17}"
          f"{'fast/runtime':>15}{'goal':>6}{'replaced':>9}{'error':>9}")
    for name, path, macs, goal in jobs:
        facts = measure(options.program, path, options.rounds)
        cells = "".join(
            f"{facts[kind]['median']:>9.3f} ({facts[kind]['min']:.3f})"
            for kind in ("runtime", "plain", "fast"))
        ratio = [facts["fast"][which] / facts["runtime"][which] for which in ("median", "min")]
        print(f"{name:<22}{macs:>5}{cells}{ratio[0]:>7.2f} ({ratio[1]:.2f}){goal or '':>6}"
              f"{facts['replaced']:>9}{facts['error']:>9.0e}", flush=True)
        if options.json:
            print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
