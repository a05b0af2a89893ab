# Sourced: installs Debian's toolchain for arm64 where it is missing, because the one in use has no arm64 library, and
# gives arm64_cargo, arm64_run and what the latter runs, arm64_runner.
if ! { command -v qemu-aarch64 && command -v aarch64-linux-gnu-gcc && [ -x /usr/bin/rustc ] &&
    [ -x /usr/bin/cargo ] && ls /usr/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd-*.rlib; } \
    >/dev/null 2>&1; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root dpkg --add-architecture arm64
    $as_root apt-get update -q
    $as_root apt-get install -q -y --no-install-recommends rustc-web cargo-web libstd-rust-web-dev:arm64 \
        gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
fi

# It is called by its path, since a toolchain manager's cargo may come first in PATH.
arm64_cargo() {
    RUSTC=/usr/bin/rustc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
        /usr/bin/cargo "$@" --target aarch64-unknown-linux-gnu
}

arm64_runner="qemu-aarch64 -L /usr/aarch64-linux-gnu"
arm64_run() {
    $arm64_runner "$@"
}
