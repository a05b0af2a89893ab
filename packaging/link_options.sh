#!/bin/sh
# Prints what the linker of rustc can do for size, as options of rustc: folding of equal functions, which LLVM's
# linker has and GNU's lacks. Rust does not promise that functions differ in address.
#   packaging/link_options.sh [TARGET]
set -eu
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
option=-Wl,--icf=all
echo 'fn main() {}' > "$temp/main.rs"
if "${RUSTC:-rustc}" ${1:+--target "$1"} -C link-arg=$option -o "$temp/main" "$temp/main.rs" >/dev/null 2>&1; then
    echo "-C link-arg=$option"
fi
