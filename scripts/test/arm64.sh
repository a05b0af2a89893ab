#!/bin/sh
# Cross-builds the static library and the C programs for arm64 and runs them under qemu: the portrait, and the list of cases
# with the tolerances of tests/cases/cases.json (0.05 years, 0.002 of a probability), whose answers come from x86-64. Then the
# same for a library without decoders and weights, and for one with open weights.
# The first build takes the minutes that DESIGN.md tells, later ones under one: they are kept in target/arm64.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/arm64.sh
out=${CARGO_TARGET_DIR:-target}/arm64
# Code that is hardly optimised gives the same answers, and takes a third of the time to build. The engine's own
# dependency on tract-onnx is left out, as in the installed library.
build() {
    name=$1
    shift
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 arm64_cargo rustc --quiet --release --locked --package face-predict --lib \
        --crate-type staticlib --target-dir "$out" --no-default-features "$@"
    cp "$out/aarch64-unknown-linux-gnu/release/libface_predict.a" "$out/$name.a"
}
# The library without any feature comes first, because the engine is the same.
build minimal
build full --features decode,detector,weights-base
library=$out/full.a
mkdir -p build
for program in examples/c/predict.c tests/cases/runner.c; do
    aarch64-linux-gnu-gcc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude "$program" "$library" \
        -Wl,-z,noexecstack -lpthread -lm -ldl -o "build/$(basename "$program" .c)-arm64"
done
arm64_run build/predict-arm64 --box 177,66,94,122 examples/images/eileen_collins.png
arm64_run build/runner-arm64 tests/cases
build open --features decode,detector,weights-base,weights-open
for data in UTKFace "WIDER FACE"; do
    grep -q "$data" "$out/full.a" || { echo "$data should be named in a library with the default weights" >&2; exit 1; }
    ! grep -q "$data" "$out/open.a" || { echo "a library with open weights holds some of $data" >&2; exit 1; }
done
aarch64-linux-gnu-gcc -std=c99 -O1 -Iinclude examples/c/predict.c "$out/open.a" \
    -Wl,-z,noexecstack -lpthread -lm -ldl -o build/predict-open-arm64
arm64_run build/predict-open-arm64 examples/images/eileen_collins.png | tee /dev/stderr | grep -q 'face at'
echo "a library with open weights: good"
CC=aarch64-linux-gnu-gcc scripts/test/minimal.sh "$out/full.a" "$out/minimal.a" $arm64_runner
