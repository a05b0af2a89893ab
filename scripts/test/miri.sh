#!/usr/bin/env bash
# The C interface under Miri, around a made-up network, and the convolution kernels in their plain lanes. Needs a nightly toolchain with Miri
# (rustup toolchain install nightly --component miri,rust-src).
#
#   scripts/test/miri.sh [NAME]        the tests of the interface whose names hold NAME, and no kernels
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${MIRI_TARGET_DIR:-build/miri}
# Files are read and written, and nothing else is allowed.
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-strict-provenance"
[ $# -gt 0 ] || nice -n 10 cargo +nightly miri test --package face-predict-kernels
# The unit tests of other folders run without Miri.
nice -n 10 cargo +nightly miri test --manifest-path tests/miri/Cargo.toml --lib -- --skip picture:: --skip face:: --skip model:: "$@"
