#!/usr/bin/env bash
# Every test; scripts/setup.sh has installed what they need.
set -euo pipefail
cd "$(dirname "$0")/.."
export LIBTORCH=${LIBTORCH:-$PWD/build/libtorch}
export PATH=$PWD/build/tools/bin:$PATH
step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

step formatting
cargo fmt --all --check

step licences
cargo deny --log-level error check licenses bans sources

# The library and the trainer in one call, so that both share one build of tract.
step build
cargo test --release --workspace --no-run
step tests
cargo test --release --workspace

step lints
cargo clippy --release --workspace --all-targets -- -D warnings

step documentation
RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --package face-predict

step done
