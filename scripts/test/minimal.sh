#!/bin/sh
# A library without decoders and weights answers with a model file on pixels as one with all of them does, and says what it lacks.
#   scripts/test/minimal.sh FULL.a MINIMAL.a [COMMAND...]     CC compiles for them, COMMAND runs what it makes
# Called by scripts/test/arm64.sh, whose small build of the engine serves every choice of features.
set -eu
cd "$(dirname "$0")/../.."
full=$1 minimal=$2
shift 2
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "minimal.sh: $*" >&2; exit 1; }
for name in full minimal; do
    [ "$name" = full ] && library=$full || library=$minimal
    ${CC:-cc} -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude tests/c/minimal.c "$library" \
        -lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack -o "$temp/$name"
    "$@" "$temp/$name" models/base.onnx tests/cases/pictures/face_rgb.raw 96 108 > "$temp/$name.txt"
done
cat "$temp/minimal.txt"
[ "$(head -n 1 "$temp/minimal.txt")" = "$(head -n 1 "$temp/full.txt")" ] || fail "the answers differ"
grep -q '^built-in model: FACE_PREDICT_OK' "$temp/full.txt" || fail "no built-in model where one should be"
grep -q '^bytes of a file: FACE_PREDICT_ERROR_IMAGE' "$temp/full.txt" || fail "pixels were decoded"
for line in 'built-in model: FACE_PREDICT_ERROR_UNSUPPORTED: this build has no built-in model' \
    'bytes of a file: FACE_PREDICT_ERROR_UNSUPPORTED: this build has no picture decoders' \
    'a file: FACE_PREDICT_ERROR_UNSUPPORTED: tests/cases/pictures/face_rgb.raw: this build has no picture decoders'; do
    grep -q "^$line" "$temp/minimal.txt" || fail "it does not say: $line"
done
echo "a library without decoders and weights: good"
