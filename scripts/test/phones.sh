#!/bin/sh
# Builds the static libraries for Android and iOS with scripts/build/cross.sh, and checks what can be checked without a phone: format, processor and
# system of each object, the exported names, what is left undefined, and that LLD links all of it (phones/check.py). Android's code of 64 bits runs
# with musl in bionic's place (phones/run.sh), and bindings/swift's framework is laid out. FP_NO_BUILD=1 takes the libraries that are there.
#   scripts/test/phones.sh [TARGET...]         all five take the engine's build five times
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- aarch64-linux-android armv7-linux-androideabi x86_64-linux-android aarch64-apple-ios aarch64-apple-ios-sim
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
    # The files that Info.plist names exist.
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
