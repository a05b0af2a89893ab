#!/bin/sh
# Builds and runs the tests of face_predict.hpp with each compiler there is, with OpenCV's and Qt's headers where they are.
#   bindings/cpp/test.sh [--install]     --install: Debian's libopencv-core-dev and qtbase5-dev, when missing
set -eu
cd "$(dirname "$0")/../.."
if [ "${1-}" = --install ] && ! pkg-config --exists opencv4 Qt5Gui; then
    apt-get install -q -y --no-install-recommends libopencv-core-dev qtbase5-dev
fi
library=${FP_BUILT:-${CARGO_TARGET_DIR:-target}/release}/libface_predict.a
mkdir -p build
tested=0
for compiler in ${CXX:-g++ clang++}; do
    command -v "$compiler" >/dev/null || { echo "skip: no $compiler"; continue; }
    flags="-std=c++17 -O1 -Wall -Wextra -Werror -Wpedantic -Wshadow -Iinclude -Ibindings/cpp"
    others=
    libraries=
    # Others' headers are not ours to warn about.
    system() { pkg-config --cflags "$1" | sed 's/-I/-isystem /g'; }
    if [ -f /usr/include/opencv4/opencv2/core.hpp ] || pkg-config --exists opencv4; then
        others="-DTEST_OPENCV -isystem /usr/include/opencv4"
        libraries="-lopencv_core"
    else
        echo "skip: no OpenCV headers (libopencv-core-dev)"
    fi
    if pkg-config --exists Qt5Gui; then
        others="$others -DTEST_QT -fPIC $(system Qt5Gui)"
        libraries="$libraries $(pkg-config --libs Qt5Gui)"
    else
        echo "skip: no Qt headers (qtbase5-dev)"
    fi
    # The header alone, and twice in a program.
    printf '#include <face_predict.hpp>\nint other() { return 0; }\n' > build/cpp-other.cpp
    # shellcheck disable=SC2086
    "$compiler" $flags $others bindings/cpp/test.cpp build/cpp-other.cpp "$library" $libraries \
        -Wl,-z,noexecstack -lgcc_s -lpthread -lm -ldl -o build/cpp-test
    echo "$compiler:"
    build/cpp-test tests/cases
    tested=$((tested + 1))
done
[ "$tested" -gt 0 ] || { echo "no C++ compiler" >&2; exit 1; }
