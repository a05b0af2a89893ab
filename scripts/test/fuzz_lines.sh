#!/usr/bin/env bash
# Counts the lines of the library that the inputs of the fuzzers reach.
#
#   scripts/test/fuzz_lines.sh
#
# It counts twice: first with the committed seeds only, then also with the inputs that scripts/test/fuzz.sh has found.
# It runs the code of the fuzz targets through tests/fuzz_smoke.rs. The targets matlab and manifest are left out: they
# belong to the training tool. Lines are counted in our own crates only, so the engine is built as for other tests.
# The build is kept in LINES_TARGET_DIR. The script needs llvm-profdata and llvm-cov in the compiler's version of LLVM.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1-}" = --wrap ]; then
    # Cargo calls this script in place of the compiler. The arguments are rustc and its own arguments.
    shift
    case " $* " in
    *" --crate-name face_predict"* | *" --crate-name fuzz_smoke "*) exec "$@" -Cinstrument-coverage ;;
    *) exec "$@" ;;
    esac
fi
version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
for tool in llvm-profdata llvm-cov; do
    command -v "$tool-$version" >/dev/null || { echo "$tool-$version is not installed (Debian's llvm-$version)" >&2; exit 1; }
done
export CARGO_TARGET_DIR=${LINES_TARGET_DIR:-build/lines/target} LIBTORCH=${LIBTORCH:-$PWD/build/libtorch}
work=$PWD/build/lines
mkdir -p "$work"
printf '#!/bin/sh\nexec "%s" --wrap "$@"\n' "$PWD/scripts/test/fuzz_lines.sh" >"$work/rustc"
chmod +x "$work/rustc"
export RUSTC_WRAPPER=$work/rustc
program=$(nice -n 10 cargo test --release --workspace --test fuzz_smoke --no-run --message-format=json |
    sed -n 's/.*"name":"fuzz_smoke".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
for what in seeds found; do
    if [ $what = found ]; then
        FUZZ_FOUND=$(realpath -m "${FUZZ_WORK_DIR:-build/fuzz}")
        [ -n "$(find "$FUZZ_FOUND" -path '*/corpus/*' -print -quit 2>/dev/null)" ] || { echo "no fuzzer has run in $FUZZ_FOUND"; break; }
        # Perhaps only some of the targets ran.
        mkdir -p "$FUZZ_FOUND"/{encoded,jpeg,image_descriptor,session,model_bytes,detector_bytes}/corpus
        export FUZZ_FOUND
    fi
    LLVM_PROFILE_FILE=$work/$what.profraw nice -n 10 "$program" committed_seeds --exact --nocapture | grep ' inputs'
    "llvm-profdata-$version" merge -sparse "$work/$what.profraw" -o "$work/$what.profdata"
    "llvm-cov-$version" report "$program" -instr-profile="$work/$what.profdata" -ignore-filename-regex='/(tests|fuzz|\.cargo|rustc)/' >"$work/$what.txt"
    head -n 1 "$work/$what.txt"
    tail -n 1 "$work/$what.txt"
done
