#!/bin/sh
# Builds for WebAssembly and tests it: the kernels, the binding and the list of cases in Node, the npm package, and the page of examples/web in
# Chromium with a picture and with a camera. Not in `make test`, since it builds the engine once more. FP_NO_BUILD=1 takes the module that is there.
set -eu
cd "$(dirname "$0")/.."
. scripts/wasm_env.sh
step() { printf '\n== %s\n' "$*"; }

step kernels
# WASI gives the check its output; Debian's runner for it is Node.
WASM_FLAGS= wasm_cargo build --quiet --release --manifest-path crates/kernels/check/Cargo.toml --target wasm32-wasip1
node --no-warnings --experimental-wasi-unstable-preview1 scripts/wasi.mjs \
    "$wasm_target/wasm32-wasip1/release/kernels-check.wasm" --expect Simd128

step module
[ -n "${FP_NO_BUILD-}" ] || scripts/wasm.sh

step binding and cases
node --test bindings/js/test/

step package
scripts/npm_package.sh
scripts/test_npm_package.sh

step pages
scripts/web.sh build
build/venv/bin/python examples/web/test/page.py
