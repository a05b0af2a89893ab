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
    # Warnings in headers of others are none of ours.
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
        -Wl,-z,noexecstack -lpthread -lm -ldl -o build/cpp-test
    echo "$compiler:"
    build/cpp-test tests/cases
    tested=$((tested + 1))
done
# Without exceptions all of it compiles, and the forms that do not throw work.
cat > build/cpp-noexc.cpp <<'NOEXC'
#include <face_predict.hpp>
#include <cstdio>
int main(int, char **argv) {
    const auto model = facepredict::Model::try_load_default();
    if (!model) {
        return 1;
    }
    facepredict::Result result;
    const auto done = (*model).try_predict_file_into(argv[1], {}, result);
    const auto absent = (*model).try_predict_file_into("absent.jpg", {}, result);
    std::printf("%d %d %s\n", bool(done), bool(absent), absent.error().what());
}
NOEXC
for compiler in ${CXX:-g++ clang++}; do
    command -v "$compiler" >/dev/null || continue
    "$compiler" -std=c++17 -fno-exceptions -Wall -Wextra -Werror -Iinclude -Ibindings/cpp build/cpp-noexc.cpp "$library" \
        -Wl,-z,noexecstack -lpthread -lm -ldl -o build/cpp-noexc
    build/cpp-noexc examples/images/eileen_collins.png | grep -q '^1 0 absent.jpg cannot be read' ||
        { echo "$compiler without exceptions" >&2; exit 1; }
done
# The first program of bindings/cpp/README.md.
awk '/^```/ { inside = 0 } inside; /^```cpp/ { inside = ++count == 1 }' bindings/cpp/README.md > build/cpp-hello.cpp
c++ -std=c++17 -Wall -Wextra -Werror -Iinclude -Ibindings/cpp build/cpp-hello.cpp "$library" \
    -Wl,-z,noexecstack -lpthread -lm -ldl -o build/cpp-hello
build/cpp-hello examples/images/eileen_collins.png | grep ' years (' || { echo "the program of bindings/cpp/README.md" >&2; exit 1; }
# The header refuses the first call to another major version. The system's loader itself names a library that is
# missing.
cat > build/cpp-other.c <<'OTHER'
unsigned face_predict_version(void) { return 3u << 16 | 1; }
const char *face_predict_version_string(void) { return "3.0.1"; }
int face_predict_model_load_default(const void *options, void **out) { (void)options, (void)out; return 0; }
void face_predict_model_free(void *model) { (void)model; }
const char *face_predict_last_error(void) { return ""; }
OTHER
cat > build/cpp-refuse.cpp <<'REFUSE'
#include <cstdio>
#include <face_predict.hpp>
int main() try {
    static_cast<void>(facepredict::Model::load_default());
} catch (const facepredict::Error &error) {
    std::printf("%d: %s\n", static_cast<int>(error.status()), error.what());
}
REFUSE
cc -c -Wall build/cpp-other.c -o build/cpp-other.o
c++ -std=c++17 -O1 -Wall -Wextra -Werror -Iinclude -Ibindings/cpp build/cpp-refuse.cpp build/cpp-other.o -o build/cpp-refuse
build/cpp-refuse | grep -q '^5: .*of version 0, the library of version 3.0.1: install' || { echo "another major version" >&2; exit 1; }
[ "$tested" -gt 0 ] || { echo "no C++ compiler" >&2; exit 1; }
