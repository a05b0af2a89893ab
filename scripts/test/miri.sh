#!/usr/bin/env bash
# Runs the C interface under Miri, with a made-up network, and the convolution kernels without SIMD instructions.
#
#   scripts/test/miri.sh               runs all tests
#   scripts/test/miri.sh NAME          runs the tests of the interface whose names contain NAME, and no kernels
#   scripts/test/miri.sh --kernels [NAME]   runs the tests of the kernels alone
#
# This needs a nightly toolchain with Miri (rustup toolchain install nightly --component miri,rust-src).
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${MIRI_TARGET_DIR:-build/miri}
# The tests read and write files, so Miri must not isolate them from the system.
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-strict-provenance"
if [ $# = 0 ] || [ "$1" = --kernels ]; then
    nice -n 10 cargo +nightly miri test --package face-predict-kernels -- "${@:2}"
    [ $# = 0 ] || exit 0
fi
# The unit tests of the skipped modules run only without Miri.
nice -n 10 cargo +nightly miri test --manifest-path tests/miri/Cargo.toml --lib -- --skip picture:: --skip face:: --skip model:: "$@"
