#!/bin/sh
# Builds the library for WebAssembly and tests it.
#
#   scripts/test/wasm.sh
#
# It tests the kernels, the binding and the list of cases in Node, and the npm package. It also tests the page of
# examples/web in Chromium, with pictures and with a fake camera. The script is not part of `make test`, because it
# builds the engine once more. FP_NO_BUILD=1 uses the module that exists.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/wasm_env.sh
step() { printf '\n== %s\n' "$*"; }

step kernels
# This program gets no arguments and cannot print. Its status says whether all results are right and SIMD128 was chosen.
EXPECT=Simd128 wasm_cargo build --quiet --manifest-path crates/kernels/check/Cargo.toml
node --input-type=module -e '
import { readFileSync } from "node:fs";
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[1]));
const status = instance.exports.main(0, 0);
console.log(status === 0 ? "every kind of lanes is right, and Simd128 was chosen" : `the kernels are wrong, or ${status}`);
process.exitCode = status;
' "$wasm_target/wasm32-unknown-unknown/wasm/kernels-check.wasm"

step module
[ -n "${FP_NO_BUILD-}" ] || scripts/build/wasm.sh

step binding and cases
node --test bindings/js/test/

step package
scripts/build/npm_package.sh
scripts/test/npm_package.sh

step pages
scripts/build/web.sh build
build/venv/bin/python examples/web/test/page.py
