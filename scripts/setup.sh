#!/usr/bin/env bash
# Installs what the tests need and what is missing: compilers, checkers and a browser from Debian, libtorch and ONNX
# Runtime from PyPI, cargo-deny from crates.io. Does nothing where all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs that run as root can put a file in its place. Cargo then reads what was written to it as a program.
if [ ! -c /dev/null ]; then
    echo "/dev/null is not a device: making it again"
    rm -f /dev/null
    mknod -m 666 /dev/null c 1 3
fi

packages=()
for pair in gcc:gcc g++:g++ clang:clang valgrind:valgrind readelf:binutils pkg-config:pkg-config cmake:cmake \
    javac:openjdk-17-jdk-headless mcs:mono-mcs mono:mono-runtime doxygen:doxygen chromium:chromium; do
    command -v "${pair%%:*}" >/dev/null || packages+=("${pair##*:}")
done
for pair in /usr/share/java/junit4.jar:junit4 /usr/include/opencv4/opencv2/core/mat.hpp:libopencv-core-dev \
    "/usr/lib/$(uname -m)-linux-gnu/pkgconfig/Qt5Gui.pc:qtbase5-dev" \
    /usr/lib/mono/4.5/System.Core.dll:libmono-system-core4.0-cil; do
    [ -e "${pair%%:*}" ] || packages+=("${pair##*:}")
done
python3 -c 'import ensurepip, pip, venv' 2>/dev/null || packages+=(python3-pip python3-venv)
if ((${#packages[@]})); then
    echo "installing ${packages[*]}"
    run=()
    [ "$(id -u)" = 0 ] || run=(sudo)
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq "${packages[@]}" >/dev/null
fi

if [ "${LIBTORCH:-build/libtorch}" = "$PWD/build/libtorch" ] || [ -z "${LIBTORCH:-}" ]; then
    scripts/build/libtorch.sh build/libtorch >/dev/null
fi

# Its standard library is enough to check that the library compiles for 32 bits. A compiler from elsewhere lacks it.
if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx wasm32-unknown-unknown; then
    rustup -q target add wasm32-unknown-unknown || echo "no standard library for WebAssembly: 32 bits will not be checked"
fi

if [ ! -x build/venv/bin/python ]; then
    python3 -m venv build/venv
fi
build/venv/bin/python -c 'import onnx, onnxruntime, numpy, PIL, pytest, scipy, websocket' 2>/dev/null ||
    build/venv/bin/python -m pip install -q onnx onnxruntime numpy pillow pytest scipy websocket-client

if ! command -v cargo-deny >/dev/null && [ ! -x build/tools/bin/cargo-deny ]; then
    # The folder is temporary, so nothing in it is shared with this workspace.
    CARGO_TARGET_DIR=build/tools/target cargo install --locked --quiet --root build/tools \
        --config 'profile.release.opt-level=0' --config 'profile.release.lto=false' cargo-deny@0.20.2
    rm -rf build/tools/target
fi
