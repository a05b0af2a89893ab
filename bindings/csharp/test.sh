#!/bin/sh
# Compiles the binding and its tests with Mono's mcs and runs them.
#   bindings/csharp/test.sh [--install]     --install: Debian's mono-mcs and mono-runtime, when missing
set -eu
cd "$(dirname "$0")/../.."
if ! command -v mcs >/dev/null; then
    [ "${1-}" = --install ] || { echo "skip: no mcs (mono-mcs, mono-runtime, libmono-system-core4.0-cil)"; exit 0; }
    apt-get install -q -y --no-install-recommends mono-mcs mono-runtime libmono-system-core4.0-cil
fi
out=build/csharp
mkdir -p $out/other $out/none
mcs -nologo -langversion:7.2 -warn:4 -warnaserror -target:library -out:$out/FacePredict.dll bindings/csharp/FacePredict.cs
mcs -nologo -langversion:7.2 -warn:4 -warnaserror -r:$out/FacePredict.dll -out:$out/test.exe bindings/csharp/Test.cs
cp "${FP_BUILT:-${CARGO_TARGET_DIR:-target}/release}/libface_predict.so" $out/libface_predict.so
LD_LIBRARY_PATH=$out mono $out/test.exe
cc -Wall -Iinclude tests/c/layout.c -o $out/layout
$out/layout > $out/layout.txt
mono $out/test.exe layout $out/layout.txt
fail() { echo "csharp: $*" >&2; exit 1; }
cp $out/test.exe $out/FacePredict.dll $out/none/
LD_LIBRARY_PATH= mono $out/none/test.exe load | grep -q 'LINK.*cargo build --release' || fail "a missing library"
echo 'unsigned face_predict_version(void) { return 3u << 16 | 1; }' > $out/other.c
cc -shared -fPIC -Wall -o $out/other/libface_predict.so $out/other.c
LD_LIBRARY_PATH=$out/other mono $out/none/test.exe load | grep -q 'LINK.*is version 3.0.1.*major version 0' || fail "another major version"
echo 'no library' > $out/other/libface_predict.so
LD_LIBRARY_PATH=$out/other mono $out/none/test.exe load | grep -q 'LINK.*does not fit.*cargo build --release' || fail "a broken library"
echo "missing, broken and other libraries: good"
