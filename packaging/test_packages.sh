#!/bin/sh
# Makes the packages twice, whose bytes must be the same, installs each, and runs it on the portrait. Needs the folder of `make dist`; lintian and mono
# come from Debian.
#   packaging/test_packages.sh [--crate]      --crate: builds the crates from their own tarballs, too: some minutes, where `make demo` has not run
set -eu
cd "$(dirname "$0")/.."
top=$PWD
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "test_packages: $*" >&2; exit 1; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
portrait=$top/examples/images/eileen_collins.png
for program in lintian mcs mono; do
    command -v $program >/dev/null || { apt-get update -q && apt-get install -q -y --no-install-recommends lintian mono-mcs mono-runtime; }
done

# The sources without git are a package, too, whatever tests have left in build/: wine's folder has links to /.
mkdir -p "$temp/sources/build"
git archive HEAD | tar -C "$temp/sources" -x
ln -s / "$temp/sources/build/loop"
(cd "$temp/sources" && cargo package --quiet --list --allow-dirty -p face-predict > /dev/null) || fail "the sources without git"
rm -r "$temp/sources"

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
packaging/packages.sh > "$temp/once"
packaging/packages.sh > "$temp/twice"
diff "$temp/once" "$temp/twice" || fail "the packages differ from one time to the next"
out=$top/build/dist/packages
(cd build/dist && sha256sum --quiet -c packages/SHA256SUMS) || fail "SHA256SUMS"
echo "made twice, the same bytes"

wheel=$(ls "$out"/face_predict-"$version"-py3-none-manylinux*.whl)
python3 -m venv "$temp/venv"
# Neither a compiler nor Cargo is in its path.
env -i PATH="$temp/venv/bin" "$temp/venv/bin/python" -m pip install -q --disable-pip-version-check --no-index "$wheel"
(cd "$temp" && env -i PATH="$temp/venv/bin" python -m face_predict "$portrait" --json | grep -q '"age"') || fail "the wheel"
build/packaging/bin/auditwheel show "$wheel" | grep manylinux > /dev/null || fail "auditwheel"
for file in LICENSE-MIT LICENSE-APACHE WEIGHTS.md THIRD_PARTY_LICENCES.txt RUST_LIBRARY_LICENCES.html; do
    python3 -m zipfile -l "$wheel" | grep -q "dist-info/licenses/$file " || fail "the wheel lacks $file"
done
echo "$(basename "$wheel"): installed without a compiler, and answers"

jar=$out/face-predict-$version.jar
javac -cp "$jar" -d "$temp" bindings/java/test/Load.java
java -Djava.library.path=/nowhere -cp "$jar:$temp" Load | grep -v LINK | grep -q . || fail "the jar"
unzip -l "$jar" | sed -n 's|.*facepredict/native/||p' | sort | tr '\n' ' '
echo "are in the jar, which answers here"

nuget=$out/FacePredict.$version
mcs -nologo -langversion:7.2 -r:"$nuget/lib/net461/FacePredict.dll" -out:"$temp/test.exe" bindings/csharp/Test.cs
cp "$nuget/lib/net461/FacePredict.dll" "$temp/"
LD_LIBRARY_PATH=$nuget/runtimes/linux-x64/native mono "$temp/test.exe" || fail "the NuGet package"
[ -s "$nuget/FacePredict.nuspec" ] && xmllint --noout "$nuget/FacePredict.nuspec" 2>/dev/null || python3 -c '
import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' "$nuget/FacePredict.nuspec"
echo "the tests of C# run with the NuGet package's files"

lintian --fail-on error,warning "$out"/*.deb || fail lintian
for deb in "$out"/*.deb; do dpkg-deb -x "$deb" "$temp/root"; done
export PKG_CONFIG_SYSROOT_DIR="$temp/root" PKG_CONFIG_LIBDIR
PKG_CONFIG_LIBDIR=$(dirname "$(find "$temp/root" -name face_predict.pc)")
cc examples/c/hello.c -o "$temp/hello" -I"$temp/root/usr/include" -L"${PKG_CONFIG_LIBDIR%/*}" $(pkg-config --libs-only-l face_predict)
LD_LIBRARY_PATH=${PKG_CONFIG_LIBDIR%/*} "$temp/hello" "$portrait" || fail "the Debian packages"
echo "lintian accepts the Debian packages, and a program is built with them"

if [ "${1-}" = --crate ]; then
    mkdir "$temp/crates"
    for crate in "$out"/*.crate; do tar -C "$temp/crates" -xzf "$crate"; done
    # As if the two others were published.
    cat >> "$temp/crates/face-predict-$version/Cargo.toml" <<PATCH
[patch.crates-io]
face-predict-kernels = { path = "../face-predict-kernels-$version" }
face-predict-jpeg = { path = "../face-predict-jpeg-$version" }
PATCH
    (cd "$temp/crates/face-predict-$version" && cargo rustc --quiet --profile quick --lib --crate-type staticlib --no-default-features \
        --features decode,detector,weights-base --target-dir "${CARGO_TARGET_DIR:-$top/target}")
    cc -Iinclude examples/c/hello.c "${CARGO_TARGET_DIR:-target}/quick/libface_predict.a" -lpthread -lm -ldl -Wl,-z,noexecstack -o "$temp/from-crate"
    "$temp/from-crate" "$portrait" || fail "the crates"
    echo "the crates build from their own tarballs"
fi
echo "packages: good"
