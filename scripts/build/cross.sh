#!/bin/sh
# Builds the library for other systems: the static one. For Windows it is also the DLL with its import library, and for Linux with glibc the shared
# library.
#   scripts/build/cross.sh x86_64-pc-windows-gnu x86_64-unknown-linux-musl ...
# The files are in target/cross/TARGET/PROFILE. PROFILE=quick is the default, which suits tests: it takes a third of the time of `dist`, which
# `make dist TARGET=...` ships. FEATURES chooses like everywhere.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/cross_env.sh
for name in "$@"; do
    cross_env "$name"
    case $name in
    *-windows-* | *-linux-gnu*) kinds=cdylib,staticlib ;;
    *) kinds=staticlib ;;
    esac
    cross_cargo rustc --locked --profile "${PROFILE:-quick}" --package face-predict --lib --crate-type "$kinds" \
        --target-dir "${CARGO_TARGET_DIR:-target}/cross" --no-default-features --features "${FEATURES-decode,detector,weights-base}"
    ls -l "${CARGO_TARGET_DIR:-target}/cross/$name/${PROFILE:-quick}/"*face_predict.*[al]
done
