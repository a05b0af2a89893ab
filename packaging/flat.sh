#!/bin/sh
# Lays out the release folder of a system that `make install` does not know: headers, the static library and, for Windows, the DLL with what links it.
#   packaging/flat.sh TARGET BUILT FOLDER
set -eu
cd "$(dirname "$0")/.."
target=$1 built=$2 folder=$3
mkdir -p "$folder/include" "$folder/lib" "$folder/share/doc/face_predict"
install -m 644 include/face_predict.h bindings/cpp/face_predict.hpp "$folder/include/"
install -m 644 "$built/libface_predict.a" "$folder/lib/"
install -m 644 README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$folder/share/doc/face_predict/"
case $target in
*-windows-*)
    mkdir "$folder/bin"
    install -m 644 "$built/face_predict.dll" "$folder/bin/"
    install -m 644 "$built/libface_predict.dll.a" "$folder/lib/"
    # Microsoft's lib makes an import library of it.
    { echo 'LIBRARY face_predict.dll'; echo EXPORTS; sed 's/^/    /' tests/symbols.txt; } > "$folder/lib/face_predict.def"
    x86_64-w64-mingw32-strip --strip-unneeded "$folder/bin/face_predict.dll"
    # These members are for debuggers and empty, and strip refuses them.
    x86_64-w64-mingw32-ar t "$folder/lib/libface_predict.a" | grep "\.dwo$" | xargs -r x86_64-w64-mingw32-ar dD "$folder/lib/libface_predict.a"
    x86_64-w64-mingw32-strip --strip-debug "$folder/lib/libface_predict.a"
    install -m 644 packaging/RELEASE-windows.md "$folder/RELEASE.md" ;;
*)
    llvm-strip --strip-debug "$folder/lib/libface_predict.a" 2>/dev/null || strip --strip-debug "$folder/lib/libface_predict.a"
    # This is for C programs on musl, whose gcc has an unwinder for glibc alone.
    case $target in
    *-musl) install -m 644 "$(rustc --print sysroot)/lib/rustlib/$target/lib/self-contained/libunwind.a" "$folder/lib/" ;;
    esac
    install -m 644 packaging/RELEASE-static.md "$folder/RELEASE.md" ;;
esac
