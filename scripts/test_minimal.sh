#!/bin/sh
# A library without decoders and weights answers with a model file on pixels as the installed one does, and says what it
# lacks. Tests what `scripts/size.sh --build` built; not in CI, since each choice of features builds the engine anew.
set -eu
cd "$(dirname "$0")/.."
kept=${CARGO_TARGET_DIR:-target}/size
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "test_minimal: $*" >&2; exit 1; }
for name in installed minimal; do
    [ -f "$kept/$name.a" ] || fail "no $kept/$name.a: scripts/size.sh --build"
    for kind in a so; do
        ${CC:-cc} -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude tests/c/minimal.c "$kept/$name.$kind" \
            -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack -o "$temp/$name-$kind"
        ln -sf "$(realpath "$kept/$name.so")" "$temp/libface_predict.so.0"
        LD_LIBRARY_PATH=$temp "$temp/$name-$kind" models/base.onnx tests/cases/pictures/face_rgb.raw 96 108 > "$temp/$name-$kind.txt"
    done
    cmp "$temp/$name-a.txt" "$temp/$name-so.txt" || fail "the static and the shared $name library differ"
done
cat "$temp/minimal-a.txt"
[ "$(head -n 1 "$temp/minimal-a.txt")" = "$(head -n 1 "$temp/installed-a.txt")" ] || fail "the answers differ"
grep -q '^built-in model: FACE_PREDICT_OK' "$temp/installed-a.txt" || fail "no built-in model where one should be"
grep -q '^bytes of a file: FACE_PREDICT_ERROR_IMAGE' "$temp/installed-a.txt" || fail "pixels were decoded"
for line in 'built-in model: FACE_PREDICT_ERROR_UNSUPPORTED: this build has no built-in model' \
    'bytes of a file: FACE_PREDICT_ERROR_UNSUPPORTED: this build has no picture decoders' \
    'a file: FACE_PREDICT_ERROR_UNSUPPORTED: this build has no picture decoders'; do
    grep -q "^$line" "$temp/minimal-a.txt" || fail "it does not say: $line"
done
echo "a library without decoders and weights: good"
