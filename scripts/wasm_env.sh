# Sourced by the scripts that build for WebAssembly: installs Debian's compiler where it is missing, because the one in use has no library for
# WebAssembly with SIMD128, and gives wasm_cargo, and wasm_target, where it builds to.
if ! { [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library/std ] &&
    command -v wasm-ld && [ -e /usr/lib/wasm32-wasi/libc.a ]; } >/dev/null 2>&1; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends rustc-web cargo-web rust-web-src lld wasi-libc
fi
wasm_target=${CARGO_TARGET_DIR:-target}/wasm

# By path: a toolchain manager's cargo may come first in PATH. The standard library is built along, with SIMD128 and without unwinding;
# RUSTC_BOOTSTRAP lets a released compiler do so.
wasm_cargo() {
    command=$1
    shift
    PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld \
        RUSTFLAGS="-C target-feature=+simd128${WASM_FLAGS:+ $WASM_FLAGS}" \
        cargo "$command" -Zbuild-std=std,panic_abort --target-dir "$wasm_target" "$@"
}
