#!/bin/sh
# Builds the WebAssembly module of bindings/js: one file without imports, with weights, for browsers with SIMD128.
#   scripts/build/wasm.sh                              writes bindings/js/face_predict.wasm
#   FEATURES=decode,detector,weights-open ...    with other features
# The first build takes some ten minutes of one core, for the engine; later ones one.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/wasm_env.sh
wasm_cargo rustc --locked --package face-predict --lib --crate-type cdylib \
    --no-default-features --features "${FEATURES:-decode,detector,weights-base}"
module=bindings/js/face_predict.wasm
cp "$wasm_target/wasm32-unknown-unknown/wasm/face_predict.wasm" "$module"
echo "$module: $(wc -c < "$module") bytes, $(gzip -9 -c "$module" | wc -c) packed"
