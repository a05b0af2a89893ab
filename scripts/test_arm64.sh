#!/bin/sh
# Builds the convolution kernels for arm64 and runs them under qemu against the definition.
set -eu
cd "$(dirname "$0")/.."
. scripts/arm64.sh
arm64_cargo build --quiet --release --offline --manifest-path crates/kernels/check/Cargo.toml --target-dir build/kernels
arm64_run build/kernels/aarch64-unknown-linux-gnu/release/kernels-check --expect Neon
