#!/bin/sh
# Installs into temporary folders, builds outside programs by pkg-config and CMake, statically and shared, runs them with
# the source tree hidden, and uninstalls; then by the release tarball. Takes CARGO_TARGET_DIR like make install.
#   packaging/test_install.sh [--no-build]
set -eu
cd "$(dirname "$0")/.."
top=$(pwd -P)
make="make -s -f packaging/install.mk"
[ "${1-}" = --no-build ] && make="$make FP_NO_BUILD=1"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "test_install: $*" >&2; exit 1; }

prefix=$temp/prefix
$make install PREFIX="$prefix" >/dev/null
for file in include/face_predict.h lib/libface_predict.a lib/libface_predict.so lib/pkgconfig/face_predict.pc \
    lib/cmake/FacePredict/FacePredictConfig.cmake; do
    [ -f "$prefix/$file" ] || fail "$file was not installed"
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[ "$(readlink "$prefix/lib/libface_predict.so")" = "libface_predict.so.${version%%.*}" ] || fail "link of the library"
readelf -d "$prefix/lib/libface_predict.so" | grep -q "soname: \[libface_predict.so.${version%%.*}\]" || fail "soname"
cp examples/c/hello.c examples/images/eileen_collins.png "$temp/"
cat > "$temp/hello.cc" <<'PROGRAM'
#include <face_predict.h>
#include <cstdio>
int main() {
    face_predict_model *model = nullptr;
    if (face_predict_model_load_default(nullptr, &model) != FACE_PREDICT_OK) {
        std::fprintf(stderr, "%s\n", face_predict_last_error());
        return 1;
    }
    std::printf("%s %s\n", face_predict_version_string(), face_predict_model_name(model));
    face_predict_model_free(model);
}
PROGRAM

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion face_predict)" = "$version" ] || fail "version of face_predict.pc"
# The linker prefers the shared library of a folder, so the archive is named.
cc -Wall -Wextra -Werror "$temp/hello.c" -o "$temp/pc-shared" $(pkg-config --cflags --libs face_predict)
cc -Wall -Wextra -Werror "$temp/hello.c" -o "$temp/pc-static" \
    $(pkg-config --static --cflags --libs face_predict | sed 's/-lface_predict/-l:libface_predict.a/')
# Without any shared library, C's own among them, the archive needs no name.
cc -static -Wall -Wextra -Werror "$temp/hello.c" -o "$temp/pc-all-static" $(pkg-config --static --cflags --libs face_predict)

cat > "$temp/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(outside C CXX)
find_package(FacePredict 0.1 REQUIRED)
foreach(kind shared static)
    add_executable(cmake-${kind} hello.c)
    target_link_libraries(cmake-${kind} PRIVATE FacePredict::${kind})
endforeach()
add_executable(cmake-all-static hello.c)
target_link_libraries(cmake-all-static PRIVATE FacePredict::static)
target_link_options(cmake-all-static PRIVATE -static)
add_executable(cmake-cpp hello.cc)
target_link_libraries(cmake-cpp PRIVATE FacePredict::FacePredict)
CMAKE
cmake -S "$temp" -B "$temp/build" -DCMAKE_PREFIX_PATH="$prefix" >"$temp/cmake.log" 2>&1 || { cat "$temp/cmake.log"; fail cmake; }
cmake --build "$temp/build" >>"$temp/cmake.log" 2>&1 || { cat "$temp/cmake.log"; fail "cmake --build"; }
mkdir "$temp/nine" && sed 's/FacePredict 0.1/FacePredict 9.0/' "$temp/CMakeLists.txt" > "$temp/nine/CMakeLists.txt"
cmake -S "$temp/nine" -B "$temp/build9" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null 2>&1 && fail "version 9 was accepted"

# The source tree is hidden where the system lets us: an empty folder is mounted over it.
hidden() {
    if unshare -rm true 2>/dev/null; then
        unshare -rm sh -c 'mount -t tmpfs none "$1" && shift && cd "$1" && shift && exec "$@"' sh "$top" "$temp" "$@"
    else
        (cd "$temp" && exec "$@")
    fi
}
unshare -rm true 2>/dev/null && echo "the source tree is hidden from the programs"
for program in pc-shared pc-static pc-all-static build/cmake-shared build/cmake-static build/cmake-all-static; do
    answer=$(hidden env -i LD_LIBRARY_PATH="$prefix/lib" "./$program" eileen_collins.png) || fail "$program failed"
    : "${expected:=$answer}"
    [ "$answer" = "$expected" ] || fail "$program answers $answer, not $expected"
    readelf -lW "$temp/$program" | grep GNU_STACK | grep -q 'RW ' || fail "$program has an executable stack"
    case $program in
    *all-static) ! readelf -lW "$temp/$program" | grep -q INTERP || fail "$program needs a loader" ;;
    *static) ! readelf -d "$temp/$program" | grep -q libface_predict || fail "$program needs the shared library" ;;
    *shared) readelf -d "$temp/$program" | grep -q "libface_predict.so.${version%%.*}" || fail "$program is not shared" ;;
    esac
    echo "$program: $answer"
done
hidden env -i LD_LIBRARY_PATH="$prefix/lib" build/cmake-cpp
readelf -lW "$prefix/lib/libface_predict.so" | grep GNU_STACK | grep -q 'RW ' || fail "the library has an executable stack"
! readelf -d "$prefix/lib/libface_predict.so" | grep -q 'R.*PATH' || fail "the library has a run path"

# A prefix with a space, twice over, since the second prefix could find the first. A number sign would start a comment
# in the file for pkg-config.
for folder in "$temp/one prefix" "$temp/another #prefix"; do
    $make install PREFIX="$folder" >/dev/null
    export PKG_CONFIG_PATH="$folder/lib/pkgconfig"
    eval "cc '$temp/hello.c' -o '$folder/hello' $(pkg-config --cflags --libs face_predict)"
    [ "$(LD_LIBRARY_PATH="$folder/lib" "$folder/hello" "$temp/eileen_collins.png")" = "$expected" ] || fail "$folder"
    readelf -d "$folder/hello" | grep -q libface_predict || fail "$folder: another library was linked"
    pkg-config --define-prefix --libs face_predict | grep -qF "$(echo "$folder" | sed 's/[ #]/\\&/g')/lib" || fail "moved .pc of $folder"
    rm -r "$temp/build"
    cmake -S "$temp" -B "$temp/build" -DCMAKE_PREFIX_PATH="$folder" >/dev/null
    cmake --build "$temp/build" >/dev/null
    rm "$folder/hello"
    $make uninstall PREFIX="$folder"
    [ -z "$(find "$folder" -mindepth 1)" ] || fail "uninstall left $(find "$folder" -mindepth 1)"
done
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"

# Moved as a whole, it still works.
mv "$prefix" "$temp/moved"
cmake -S "$temp" -B "$temp/build-moved" -DCMAKE_PREFIX_PATH="$temp/moved" >/dev/null
cmake --build "$temp/build-moved" >/dev/null
PKG_CONFIG_PATH="$temp/moved/lib/pkgconfig" pkg-config --define-prefix --libs face_predict | grep -q "$temp/moved" || fail "moved .pc"
mv "$temp/moved" "$prefix"

$make uninstall PREFIX="$prefix"
[ -z "$(find "$prefix" -mindepth 1)" ] || fail "uninstall left $(find "$prefix" -mindepth 1)"

# The release tarball: unpacked in an empty folder, its own commands build programs that answer the same.
$make dist FP_COMPRESS='gzip -1n' >/dev/null
mkdir "$temp/release"
tar -C "$temp/release" -xzf "build/dist/face_predict-$version-$(uname -m)-linux.tar.gz"
release=$temp/release/face_predict-$version-$(uname -m)-linux
for file in THIRD_PARTY_LICENCES.txt RUST_LIBRARY_LICENCES.html LICENSE-MIT LICENSE-APACHE models/base.md models/detector.md \
    models/base.reliability.svg SECURITY.md; do
    [ -s "$release/share/doc/face_predict/$file" ] || fail "the release lacks $file"
done
! find "$release" -name '*.notes.md' | grep . || fail "the release holds notes"
${PYTHON:-python3} packaging/release_links.py --check "$release" || fail "the pages of the release have broken links"
cp "$temp/eileen_collins.png" "$release/photo.jpg"
sed -n 's/^    //p' "$release/RELEASE.md" > "$temp/commands"
for program in hello hello-static hello-all-static; do
    answer=$(cd "$release" && sed "s|^./hello |./$program |" "$temp/commands" | sh -e) || fail "the commands of RELEASE.md"
    [ "$answer" = "$expected" ] || fail "$program of the release answers $answer, not $expected"
done

# A package builder's way: DESTDIR and Debian's library folder.
$make install FP_NO_BUILD=1 PREFIX=/usr DESTDIR="$temp/root" LIBDIR=/usr/lib/some-triplet >/dev/null
! grep -r "$temp" "$temp/root/usr/lib/some-triplet/pkgconfig" "$temp/root/usr/lib/some-triplet/cmake" || fail "DESTDIR leaks"
[ -f "$temp/root/usr/lib/some-triplet/libface_predict.so.$version" ] || fail "LIBDIR is not heeded"
cmake -S "$temp" -B "$temp/build-root" -DFacePredict_DIR="$temp/root/usr/lib/some-triplet/cmake/FacePredict" >/dev/null
cmake --build "$temp/build-root" >/dev/null
$make uninstall PREFIX=/usr DESTDIR="$temp/root" LIBDIR=/usr/lib/some-triplet
[ -z "$(find "$temp/root" -type f -o -type l)" ] || fail "uninstall left $(find "$temp/root" -type f -o -type l)"
echo "install, pkg-config, CMake, release, uninstall: good"
