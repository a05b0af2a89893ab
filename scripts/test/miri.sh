#!/usr/bin/env bash
# The C interface under Miri, around a made-up network; needs a nightly toolchain with Miri (rustup toolchain install nightly --component miri,rust-src).
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${MIRI_TARGET_DIR:-build/miri}
# The unit tests of other folders run without Miri. Files are read and written; nothing else is let through.
export MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-strict-provenance"
nice -n 10 cargo +nightly miri test --manifest-path tests/miri/Cargo.toml -- --skip picture:: --skip face:: --skip model:: "$@"
