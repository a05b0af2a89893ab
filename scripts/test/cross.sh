#!/bin/sh
# Builds the library for other systems with scripts/build/cross.sh and runs C programs there.
#
#   scripts/test/cross.sh [TARGET...]          without TARGET: Windows, Linux with musl, and armv7
#
# The programs are the examples with the portrait, the list of cases, and the tests of the C interface. The expected
# answers of the cases come from x86-64 Linux, and tests/cases/cases.json has the tolerances. Windows programs run under
# wine, and armv7 programs under qemu. Programs for musl run in a root folder that contains only them and their files.
# FP_NO_BUILD=1 uses the libraries that exist.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/cross_env.sh
fail() { echo "test/cross: $*" >&2; exit 1; }
[ $# -gt 0 ] || set -- x86_64-pc-windows-gnu x86_64-unknown-linux-musl armv7-unknown-linux-gnueabihf
# The inputs of the C programs are written by the test that runs these programs natively.
inputs=${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs
[ -d "$inputs" ] || fail "no $inputs: run cargo test --release --workspace --test c_abi first"

# This program prints the sizes and offsets of the structs on x86-64 Linux. They depend only on the header.
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
    # The list of cases expects the portrait in this folder.
    cp examples/images/eileen_collins.png "$out/examples/images/"
    for source in examples/c/predict.c examples/c/hello.c tests/cases/runner.c tests/c/test.c tests/c/misuse.c tests/c/threads.c \
        tests/c/traps.c tests/c/layout.c; do
        $cross_cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" "$library" $cross_libraries \
            -o "$out/$(basename "$source" .c).exe"
    done
    case $name in
    *-musl)
        # The root folder has no loader, no shared library and no /proc.
        run() { unshare -r chroot "$out" "$@" || return 1; } ;;
    *) run() { (cd "$out" && $cross_run "$@"); } ;;
    esac
    case $name in
    armv7*) ;;
    # On 64-bit systems, structs must have the sizes and offsets of x86-64 Linux. On 32-bit systems, the rules of C
    # determine them.
    *) build/cross-layout > "$out/layout.txt"
       run ./layout.exe | tr -d '\r' | diff "$out/layout.txt" - || fail "$name: sizes or places differ" ;;
    esac
    run ./hello.exe eileen_collins.png
    run ./predict.exe --box 177,66,94,122 eileen_collins.png
    run ./runner.exe tests/cases
    programs="test misuse threads traps"
    # armv7 processors do not trap floating point exceptions.
    case $name in armv7*) programs="test misuse threads" ;; esac
    for program in $programs; do
        # Under emulation a face takes a second, so these two programs leave out some networks or rounds.
        case $name-$program in armv7*-misuse | armv7*-threads) quick=quick ;; *) quick='' ;; esac
        said=$(run "./$program.exe" inputs $quick 2>&1) || fail "$name: $program: $said"
        [ -z "$said" ] || fail "$name: $program printed $said"
        echo "$program: good"
    done
    case $name in
    *-musl)
        # Runs the commands that the release folder's RELEASE.md gives.
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
        make -s -f packaging/install.mk dist TARGET="$name" FP_NO_BUILD=1 FP_BUILT="${library%/*}" FP_COMPRESS='gzip -1n' > /dev/null
        tar -C "$out" -xzf "build/dist/face_predict-$version-$name.tar.gz"
        cp examples/images/eileen_collins.png "$out/face_predict-$version-$name/photo.jpg"
        (cd "$out/face_predict-$version-$name" && sed -n 's/^    //p' RELEASE.md | sh -e)
        echo "release: good" ;;
    esac
done
