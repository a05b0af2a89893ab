#!/bin/sh
# Links C programs with a static library for Android of 64 bits and musl in bionic's place (bionic.c), and runs them on Linux: the portrait, the list of
# cases, and the tests of the C interface; arm64 under qemu. What bionic itself does is not tested.
#   scripts/test/phones/run.sh TARGET LIBRARY FOLDER
set -eu
cd "$(dirname "$0")/../../.."
target=$1 library=$2 out=$3/$1
fail() { echo "phones/run: $target: $*" >&2; exit 1; }
inputs=${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs
[ -d "$inputs" ] || fail "no $inputs: run cargo test --release --workspace --test c_abi first"
processor=${target%%-*}
case $processor in
x86_64) compiler=musl-gcc run='' packages=musl-tools ;;
aarch64)
    compiler="aarch64-linux-gnu-gcc -specs /usr/lib/aarch64-linux-musl/musl-gcc.specs" run=qemu-aarch64 packages="musl-dev:arm64 gcc-aarch64-linux-gnu qemu-user" ;;
esac
if ! command -v ${compiler%% *} >/dev/null || ! [ -f /usr/lib/$processor-linux-musl/libc.a ]; then
    dpkg --add-architecture arm64
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
fi
rustup target list --installed | grep -qx "$processor-unknown-linux-musl" || rustup target add "$processor-unknown-linux-musl"
# Files of musl always have sizes of 64 bits.
wide=''
for name in ftruncate lseek open openat pread pwrite; do wide="$wide -Wl,--defsym=${name}64=$name"; done
rm -rf "$out"
mkdir -p "$out/tests" "$out/examples/images"
cp -r tests/cases "$out/tests/"
cp -rL "$inputs" "$out/inputs"
cp examples/images/eileen_collins.png "$out/examples/images/"
for source in examples/c/hello.c tests/cases/runner.c tests/c/test.c tests/c/threads.c; do
    $compiler -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude "$source" scripts/test/phones/bionic.c "$library" -static -Wl,--wrap=sysconf $wide \
        -Wl,-z,noexecstack "-L$(rustc --print sysroot)/lib/rustlib/$processor-unknown-linux-musl/lib/self-contained" -lunwind \
        -o "$out/$(basename "$source" .c)"
done
(
    cd "$out"
    $run ./hello examples/images/eileen_collins.png
    $run ./runner tests/cases
    for program in test threads; do
        said=$($run ./$program inputs 2>&1) || fail "$program: $said"
        [ -z "$said" ] || fail "$program printed $said"
        echo "$program: good"
    done
)
rm -rf "$out"
