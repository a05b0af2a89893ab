#!/bin/sh
# Times plain tract, fast convolutions and ONNX Runtime against each other on one thread, on
# networks of random weights and on the ONNX files given.
# Usage: scripts/bench/conv.sh [--rounds N] [--json] [--only-files] [FILE.onnx ...]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/build/venv

if ! "$venv/bin/python" -c 'import onnx, onnxruntime, numpy' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q onnx onnxruntime numpy
fi
# The trainer is included if libtorch is there, because features unify, and both then share one build of tract.
(cd "$root" && cargo build --release --quiet ${LIBTORCH:+--workspace} --example conv_bench)
program=${CARGO_TARGET_DIR:-$root/target}/release/examples/conv_bench

# There is one core for all three. They take turns, and none gains by moving.
if command -v taskset >/dev/null; then
    set -- taskset -c ${CORE:-0} "$venv/bin/python" "$root/scripts/bench/conv.py" "$program" "$@"
else
    set -- "$venv/bin/python" "$root/scripts/bench/conv.py" "$program" "$@"
fi
exec "$@"
