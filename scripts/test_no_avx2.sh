#!/bin/sh
# Runs the convolution kernels against the definition on an x86-64 processor without AVX2, as qemu
# plays one, so that what is chosen at run time is seen to be chosen.
set -eu
cd "$(dirname "$0")/.."

if ! command -v qemu-x86_64 >/dev/null; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends qemu-user
fi
cargo build --quiet --release --offline --manifest-path crates/kernels/check/Cargo.toml --target-dir build/kernels
exec qemu-x86_64 -cpu Nehalem build/kernels/release/kernels-check --expect Plain
