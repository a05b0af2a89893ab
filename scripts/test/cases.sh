#!/bin/sh
# Runs the list of cases through the C interface: tests/cases/runner.c with the static library of CARGO_TARGET_DIR.
set -eu
cd "$(dirname "$0")/../.."
out=${FP_BUILT:-${CARGO_TARGET_DIR:-target}/release}
mkdir -p build
${CC:-cc} -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude tests/cases/runner.c \
    "$out/libface_predict.a" -Wl,-z,noexecstack -lpthread -lm -ldl -o build/cases-runner
exec build/cases-runner tests/cases
