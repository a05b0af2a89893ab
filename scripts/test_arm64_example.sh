#!/bin/sh
# Cross-builds the static library and the C programs for arm64 and runs them under qemu: the portrait, and the list of cases
# with the tolerances of tests/cases/cases.json, whose answers come from x86-64.
# Installs what is missing: Debian's own toolchain, because the one in use has no arm64 library. The first build takes
# some 15 minutes of one core, later ones one or two. ARM64_TARGET_DIR (build/arm64) keeps them.
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

out=${ARM64_TARGET_DIR:-build/arm64}
# By path: a toolchain manager's cargo may come first in PATH.
RUSTC=/usr/bin/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    /usr/bin/cargo rustc --quiet --release --locked --lib --crate-type staticlib \
    --target aarch64-unknown-linux-gnu --target-dir "$out" --package face-predict
library=$out/aarch64-unknown-linux-gnu/release/libface_predict.a
mkdir -p build
for program in examples/c/predict.c tests/cases/runner.c; do
    aarch64-linux-gnu-gcc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude "$program" "$library" \
        -Wl,-z,noexecstack -lgcc_s -lpthread -lm -ldl -o "build/$(basename "$program" .c)-arm64"
done
run="qemu-aarch64 -L /usr/aarch64-linux-gnu"
$run build/predict-arm64 --box 177,66,94,122 examples/images/eileen_collins.png
exec $run build/runner-arm64 tests/cases
