#!/bin/sh
# Makes Debian packages of a release folder: libface-predict0 with the shared library, libface-predict-dev with what compiles and links.
#   packaging/debian.sh FOLDER OUT        FOLDER as `make dist` lays it out for this system; FP_XZ=1 packs fast
set -eu
cd "$(dirname "$0")/.."
folder=$1 out=$2
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
architecture=$(dpkg --print-architecture)
lib=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
umask 022

# What DESTDIR is for; the folder's own files hold its own prefix.
make -s -f packaging/install.mk install FP_NO_BUILD=1 FP_BUILT="$folder/lib" FP_DEVELOP=libface_predict.so PREFIX=/usr DESTDIR="$temp/all" \
    LIBDIR="/$lib" > /dev/null

# package NAME SECTION DEPENDS SUMMARY, with the files in $temp/NAME; the text of the description comes in.
package() {
    name=$1 section=$2 depends=$3 summary=$4
    root=$temp/$name
    doc=$root/usr/share/doc/$name
    mkdir -p "$doc" "$root/DEBIAN"
    cp packaging/debian-copyright "$doc/copyright"
    {
        echo "face-predict ($version) unstable; urgency=medium"
        echo
        echo "  * libface-predict-dev has the changes, as CHANGELOG.md.gz."
        echo
        echo " -- The authors of face-predict <authors@face-predict.invalid>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n > "$doc/changelog.gz"
    (cd "$root" && find usr -type f | sort | xargs md5sum > DEBIAN/md5sums)
    {
        echo "Package: $name"
        echo "Version: $version"
        echo "Source: face-predict"
        echo "Architecture: $architecture"
        echo "Multi-Arch: same"
        echo "Maintainer: The authors of face-predict <authors@face-predict.invalid>"
        echo "Installed-Size: $(du -k -s --apparent-size "$root/usr" | cut -f 1)"
        echo "Depends: $depends"
        echo "Section: $section"
        echo "Priority: optional"
        echo "Homepage: https://github.com/face-predict/face-predict"
        echo "Description: $summary"
        sed 's/^/ /'
    } > "$root/DEBIAN/control"
    chmod -R u=rwX,go=rX "$root"
    dpkg-deb --root-owner-group -Zxz "-z${FP_XZ:-6}" --build "$root" "$out/${name}_${version}_$architecture.deb" > /dev/null
}

library=$temp/libface-predict0
mkdir -p "$library/$lib" "$library/DEBIAN" "$library/usr/share/doc/libface-predict0"
cp -a "$temp/all/$lib"/libface_predict.so."$version" "$temp/all/$lib"/libface_predict.so."$major" "$library/$lib/"
chmod 644 "$library/$lib/libface_predict.so.$version"
echo "libface_predict $major libface-predict$major (>= $version)" > "$library/DEBIAN/shlibs"
echo "activate-noawait ldconfig" > "$library/DEBIAN/triggers"
{
    echo "libface_predict.so.$major libface-predict$major #MINVER#"
    sed "s/.*/ &@Base $version/" tests/symbols.txt
} > "$library/DEBIAN/symbols"
for terms in THIRD_PARTY_LICENCES.txt RUST_LIBRARY_LICENCES.html; do
    gzip -9nc "$folder/share/doc/face_predict/$terms" > "$library/usr/share/doc/libface-predict0/$terms.gz"
done
# The copyright file says that the cards have the terms of the weights.
cp -r "$folder/share/doc/face_predict/models" "$library/usr/share/doc/libface-predict0/"
# This is the oldest glibc whose functions the library calls.
glibc=$(objdump -T "$library/$lib/libface_predict.so.$version" | sed -n 's/.*(\?GLIBC_\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)
package libface-predict0 libs "libc6 (>= $glibc), libgcc-s1 (>= 4.2)" "age and gender from faces, with calibrated uncertainty (library)" <<'TEXT'
The library estimates the age and the labelled gender of faces in pictures, and
says how sure each estimate is. It finds the faces itself and follows them over
the frames of a camera. Its neural networks are inside.
.
The built-in weights are for non-commercial research only.
TEXT

develop=$temp/libface-predict-dev
mkdir -p "$develop/$lib" "$develop/usr/share/doc/libface-predict-dev"
cp -a "$temp/all/usr/include" "$develop/usr/"
cp -a "$temp/all/$lib/libface_predict.a" "$temp/all/$lib/pkgconfig" "$temp/all/$lib/cmake" "$develop/$lib/"
strip --strip-debug -R .comment -R .note --enable-deterministic-archives "$develop/$lib/libface_predict.a"
ln -s "libface_predict.so.$major" "$develop/$lib/libface_predict.so"
gzip -9nc CHANGELOG.md > "$develop/usr/share/doc/libface-predict-dev/CHANGELOG.md.gz"
cp -r "$folder/share/doc/face_predict/docs" "$develop/usr/share/doc/libface-predict-dev/"
package libface-predict-dev libdevel "libface-predict0 (= $version), libc6-dev" "age and gender from faces, with calibrated uncertainty (development)" <<'TEXT'
The library estimates the age and the labelled gender of faces in pictures, and
says how sure each estimate is.
.
These are the headers for C and C++, the static library, and files for
pkg-config and CMake.
TEXT
