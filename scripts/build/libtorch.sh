#!/usr/bin/env bash
# Installs a CPU libtorch for the trainer into build/libtorch, from PyPI's wheels alone.
# The wheel is made for CUDA: the two small CUDA libraries that libtorch_cpu.so names are enough to load it.
#   scripts/build/libtorch.sh [DEST]      prints DEST; does nothing when it is already there
set -euo pipefail
cd "$(dirname "$0")/../.."
torch=2.11.0 # tch 0.24 goes with this version alone
dest=$(realpath -m "${1:-build/libtorch}")
if [ "$(cat "$dest/build-version" 2>/dev/null)" = "$torch" ]; then
    echo "$dest"
    exit
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/libtorch.XXXXXX")
trap 'rm -rf "$work"' EXIT
wheels=${TORCH_WHEELS:-$work}
if ! ls "$wheels"/torch-"$torch"-*.whl >/dev/null 2>&1; then
    python3 -m pip download -q --no-deps -d "$wheels" \
        "torch==$torch" nvidia-cuda-cupti==13.0.85 nvidia-cuda-runtime==13.0.96 >&2
fi
rm -rf "$dest"
mkdir -p "$dest/lib"
python3 - "$wheels" "$work" >&2 <<'PY'
import glob, os, sys, zipfile
wheels, work = sys.argv[1:]
wanted = ("torch/include/", "torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp")
for path in glob.glob(os.path.join(wheels, "*.whl")):
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            base = os.path.basename(name)
            if name.startswith(wanted) or base.startswith(("libcupti.so", "libcudart.so")):
                wheel.extract(name, work)
PY
mv "$work/torch/include" "$dest/include"
# With `+`, find fails if mv does.
find "$work" -name '*.so*' -exec mv -t "$dest/lib/" {} +
# Its own libtorch.so needs the whole CUDA stack.
ln -sf libtorch_cpu.so "$dest/lib/libtorch.so"
echo "$torch" >"$dest/build-version"
echo "$dest"
