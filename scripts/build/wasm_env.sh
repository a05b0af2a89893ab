# Sourced by the scripts that build for WebAssembly: installs Debian's compiler where it is missing, because the one in use has no library for
# WebAssembly with SIMD128, and gives wasm_cargo, and wasm_target, where it builds to.
if ! { [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library/std ] &&
    command -v wasm-ld; } >/dev/null 2>&1; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends rustc-web cargo-web rust-web-src lld
fi
wasm_target=${CARGO_TARGET_DIR:-target}/wasm

# By path: a toolchain manager's cargo may come first in PATH. The standard library is built along, with SIMD128 and without unwinding;
# RUSTC_BOOTSTRAP lets a released compiler do so. Memory of 2 GB is half of what WebAssembly can have, and more than a picture of 64
# megapixels needs.
wasm_cargo() {
    command=$1
    shift
    PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld \
        RUSTFLAGS="-C target-feature=+simd128 -C link-arg=--max-memory=2147483648 -C link-arg=-zstack-size=1048576" \
        cargo "$command" -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown --target-dir "$wasm_target" --profile wasm "$@"
}
