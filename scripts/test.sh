#!/usr/bin/env bash
# Runs every test. scripts/setup.sh has installed what they need.
set -euo pipefail
cd "$(dirname "$0")/.."
export LIBTORCH=${LIBTORCH:-$PWD/build/libtorch}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
export PATH=$PWD/build/tools/bin:$PATH
python=build/venv/bin/python
# `cargo test` leaves the libraries beside the tests. A `cargo build` would build tract again, since Cargo unifies
# features over what is built together.
export FP_BUILT=$CARGO_TARGET_DIR/release/deps FP_NO_BUILD=1
step() { printf '\n== %s (after %s s)\n' "$*" "$SECONDS"; }

step formatting
cargo fmt --all --check

step scripts
for script in scripts/*.sh scripts/*/*.sh scripts/*/*.py; do
    grep -qF "\`${script#scripts/}\`" scripts/README.md || { echo "scripts/README.md does not name $script"; exit 1; }
done
$python -m pytest -q -p no:cacheprovider scripts/bench/rivals

step links
$python scripts/test/links.py
$python scripts/test/readme_figures.py

step licences
cargo deny --log-level error check licenses bans sources

step build
cargo test --release --workspace --no-run

step cards
for card in models/*.notes.md; do
    name=$(basename "$card" .notes.md)
    [ ! -f "models/$name.metrics.json" ] || $python scripts/models/card.py "$name" --check
done

$python scripts/models/study.py --check

step convolutions on arm64 and without AVX2
scripts/test/kernels.sh

step the library on arm64
scripts/test/arm64.sh

step bindings
scripts/test/bindings.sh | tee build/bindings.log
# Everything that they need was installed.
if grep '^skip:' build/bindings.log; then exit 1; fi

step commands of README and the documents
$python scripts/test/commands.py

step installing
packaging/test_install.sh --no-build

step parity with ONNX Runtime
shopt -s nullglob
faces=(../shared/data/eval/*/*0.jpg)
if [ ${#faces[@]} = 0 ] && [ -n "${CI-}" ]; then echo "no test pictures in ../shared/data/eval" >&2; exit 1; fi
for model in models/*.onnx; do
    # A detector's file is compared when it is exported, since its answers are boxes.
    [[ $model != */detector*.onnx ]] || continue
    $python scripts/test/parity.py "$CARGO_TARGET_DIR/release/examples/probe" "$model" \
        examples/images/eileen_collins.png "${faces[@]:0:80}"
done

step "the C interface around a made-up network"
CARGO_TARGET_DIR=build/made-up cargo test --quiet --manifest-path tests/miri/Cargo.toml --lib -- --skip picture:: --skip face:: --skip model::

step lints
cargo clippy --release --workspace --all-targets -- -D warnings
# A browser has 32 bits.
if [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    cargo check --release --package face-predict --lib --target wasm32-unknown-unknown --no-default-features --features decode,detector,weights-base
fi
# The fuzz targets are a workspace of their own. Without this check, a change of the library could break them unnoticed.
cargo clippy --release --manifest-path fuzz/Cargo.toml --bins -- -D warnings

step documentation
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps

# They run last, so that their count is at the end of the output.
step tests
cargo test --release --workspace
