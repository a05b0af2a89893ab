#!/bin/sh
# Builds the convolution kernels for arm64 and runs them under qemu against the definition.
# Installs what is missing: Debian's own toolchain, because the one in use has no arm64 library.
set -eu
cd "$(dirname "$0")/.."

if ! { command -v qemu-aarch64 && command -v aarch64-linux-gnu-gcc && [ -x /usr/bin/rustc ] &&
    [ -x /usr/bin/cargo ] && ls /usr/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd-*.rlib; } \
    >/dev/null 2>&1; then
    dpkg --add-architecture arm64
    apt-get update -q
    apt-get install -q -y --no-install-recommends rustc-web cargo-web libstd-rust-web-dev:arm64 \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
fi

# By path: a toolchain manager's cargo may come first in PATH.
RUSTC=/usr/bin/rustc \
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    /usr/bin/cargo build --quiet --release --offline --target aarch64-unknown-linux-gnu \
    --manifest-path tests/kernels/Cargo.toml --target-dir build/kernels
exec qemu-aarch64 -L /usr/aarch64-linux-gnu \
    build/kernels/aarch64-unknown-linux-gnu/release/kernels-check --expect Neon
