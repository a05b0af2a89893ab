#!/bin/sh
# Builds the static libraries for Android, iOS and macOS with scripts/build/cross.sh, and checks them without a phone or a Mac.
#
#   scripts/test/phones.sh [TARGET...]         without TARGET, all six targets; each builds the engine once
#
# phones/check.py checks the format, processor and system of each object, the exported names and the undefined names. It
# also links the whole library with LLD. phones/run.sh runs the 64-bit libraries for Android on Linux, where musl
# replaces bionic. If both libraries for iOS exist, the script also checks the framework that bindings/swift makes.
# FP_NO_BUILD=1 uses the libraries that exist.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- aarch64-linux-android armv7-linux-androideabi x86_64-linux-android aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin
export PROFILE="${PROFILE:-quick}"
built=${CARGO_TARGET_DIR:-target}/cross
out=build/phones
mkdir -p $out
for target in "$@"; do
    [ -n "${FP_NO_BUILD-}" ] || scripts/build/cross.sh "$target"
    library=$built/$target/$PROFILE/libface_predict.a
    ${PYTHON:-python3} scripts/test/phones/check.py "$target" "$library" $out
    case $target in
    x86_64-linux-android | aarch64-linux-android) scripts/test/phones/run.sh "$target" "$library" $out ;;
    esac
done
if [ -f "$built/aarch64-apple-ios/$PROFILE/libface_predict.a" ] && [ -f "$built/aarch64-apple-ios-sim/$PROFILE/libface_predict.a" ]; then
    ${PYTHON:-python3} bindings/swift/xcframework.py "$built" "$PROFILE"
    # Every file that Info.plist names must exist.
    ${PYTHON:-python3} -c '
import plistlib, sys
from pathlib import Path
folder = Path(sys.argv[1])
for library in plistlib.loads((folder / "Info.plist").read_bytes())["AvailableLibraries"]:
    slice = folder / library["LibraryIdentifier"]
    for name in (library["LibraryPath"], "Headers/face_predict.h", "Headers/module.modulemap"):
        assert (slice / name).stat().st_size, name
' bindings/swift/FacePredict.xcframework
    rm -r bindings/swift/FacePredict.xcframework
    echo "the layout of the framework: good"
fi
echo "phones: good"
