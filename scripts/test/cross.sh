#!/bin/sh
# Builds the library for other systems with scripts/build/cross.sh and runs C programs there: the portrait, the list of cases with the tolerances of
# tests/cases/cases.json, whose answers come from x86-64 Linux, and the tests of the C interface. Windows runs under wine, armv7 under qemu, and
# musl in a folder that holds nothing else, as its root. FP_NO_BUILD=1 takes the libraries that are there.
#   scripts/test/cross.sh [TARGET...]
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/cross_env.sh
fail() { echo "test/cross: $*" >&2; exit 1; }
[ $# -gt 0 ] || set -- x86_64-pc-windows-gnu x86_64-unknown-linux-musl armv7-unknown-linux-gnueabihf
# The test that runs the C programs natively writes their inputs.
inputs=${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs
[ -d "$inputs" ] || fail "no $inputs: run cargo test --release --workspace --test c_abi first"

# The sizes and places on x86-64 Linux, which depend only on the header.
mkdir -p build
cc -std=c99 -Iinclude tests/c/layout.c -o build/cross-layout

for name in "$@"; do
    echo "== $name"
    [ -n "${FP_NO_BUILD-}" ] || scripts/build/cross.sh "$name"
    cross_env "$name"
    library=${CARGO_TARGET_DIR:-target}/cross/$name/${PROFILE:-quick}/libface_predict.a
    out=build/cross/$name
    rm -rf "$out"
    mkdir -p "$out/tests" "$out/examples/images"
    cp -r tests/cases "$out/tests/"
    cp -rL "$inputs" "$out/inputs"
    cp examples/images/eileen_collins.png "$out/"
    # The list of cases looks for it there.
    cp examples/images/eileen_collins.png "$out/examples/images/"
    for source in examples/c/predict.c examples/c/hello.c tests/cases/runner.c tests/c/test.c tests/c/misuse.c tests/c/threads.c \
        tests/c/traps.c tests/c/layout.c; do
        $cross_cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" "$library" $cross_libraries \
            -o "$out/$(basename "$source" .c).exe"
    done
    case $name in
    *-musl)
        # There are only the programs and their files: no loader, no library, no /proc.
        run() { unshare -r chroot "$out" "$@" || return 1; } ;;
    *) run() { (cd "$out" && $cross_run "$@"); } ;;
    esac
    case $name in
    armv7*) ;;
    # Structs have the sizes and places of 64-bit Linux. Those of 32 bits follow from the rules of C.
    *) build/cross-layout > "$out/layout.txt"
       run ./layout.exe | tr -d '\r' | diff "$out/layout.txt" - || fail "$name: sizes or places differ" ;;
    esac
    run ./hello.exe eileen_collins.png
    run ./predict.exe --box 177,66,94,122 eileen_collins.png
    run ./runner.exe tests/cases
    programs="test misuse threads traps"
    # These processors do not trap.
    case $name in armv7*) programs="test misuse threads" ;; esac
    for program in $programs; do
        # An emulated face takes a second: two programs leave networks or rounds out.
        case $name-$program in armv7*-misuse | armv7*-threads) quick=quick ;; *) quick='' ;; esac
        said=$(run "./$program.exe" inputs $quick 2>&1) || fail "$name: $program: $said"
        [ -z "$said" ] || fail "$name: $program printed $said"
        echo "$program: good"
    done
    case $name in
    *-musl)
        # The release folder, by its own commands.
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
        make -s -f packaging/install.mk dist TARGET="$name" FP_NO_BUILD=1 FP_BUILT="${library%/*}" FP_COMPRESS='gzip -1n' > /dev/null
        tar -C "$out" -xzf "build/dist/face_predict-$version-$name.tar.gz"
        cp examples/images/eileen_collins.png "$out/face_predict-$version-$name/photo.jpg"
        (cd "$out/face_predict-$version-$name" && sed -n 's/^    //p' RELEASE.md | sh -e)
        echo "release: good" ;;
    esac
done
