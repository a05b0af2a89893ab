#!/bin/sh
# Every binding through the list of cases and its own tests, and Doxygen. FP_BUILT or CARGO_TARGET_DIR say where the library
# lies. What is not installed is skipped with a line; --install fetches it from Debian first (as root).
set -eu
cd "$(dirname "$0")/../.."
if [ "${1-}" = --install ]; then
    apt-get update -q
    apt-get install -q -y --no-install-recommends g++ clang libopencv-core-dev qtbase5-dev openjdk-17-jdk-headless junit4 \
        mono-mcs mono-runtime libmono-system-core4.0-cil doxygen python3-venv
fi
for script in scripts/test/cases.sh bindings/cpp/test.sh bindings/java/test.sh bindings/csharp/test.sh scripts/test/python.sh; do
    echo "== $script"
    "$script"
done
echo "== doxygen"
if command -v doxygen >/dev/null; then
    mkdir -p build
    doxygen docs/Doxyfile
else
    echo "skip: no doxygen"
fi
