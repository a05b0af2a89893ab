#!/bin/sh
# Builds the WebAssembly module of bindings/js: one file without imports, with weights, for browsers with SIMD128.
#   scripts/wasm.sh                              writes bindings/js/face_predict.wasm
#   FEATURES=decode,detector,weights-open ...    with other features
# The first build takes six minutes of one core, for the engine; later ones less than one.
set -eu
cd "$(dirname "$0")/.."
. scripts/wasm_env.sh
# Half of what WebAssembly can have: more than a picture of 64 megapixels needs.
WASM_FLAGS="-C link-arg=--max-memory=2147483648 -C link-arg=-zstack-size=1048576"
wasm_cargo rustc --locked --package face-predict --lib --crate-type cdylib --profile wasm --target wasm32-unknown-unknown \
    --no-default-features --features "${FEATURES:-decode,detector,weights-base}"
module=bindings/js/face_predict.wasm
cp "$wasm_target/wasm32-unknown-unknown/wasm/face_predict.wasm" "$module"
echo "$module: $(wc -c < "$module") bytes, $(gzip -9 -c "$module" | wc -c) packed"
