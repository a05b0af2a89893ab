#!/bin/sh
# Runs the convolution kernels against the definition where qemu plays another processor: arm64, and an x86-64 without AVX2, so that what is
# chosen at run time is seen to be chosen.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/arm64.sh
check() {
    "$@" build --quiet --release --offline --manifest-path crates/kernels/check/Cargo.toml --target-dir build/kernels
}
check arm64_cargo
arm64_run build/kernels/aarch64-unknown-linux-gnu/release/kernels-check --expect Neon
check cargo
qemu-x86_64 -cpu Nehalem build/kernels/release/kernels-check --expect Plain
