#!/bin/sh
# Builds the static libraries for Android and iOS with scripts/build/cross.sh and checks what can be checked without a phone: format, processor and
# system of each object, exported names, what is left undefined, and that lld links all of it into a shared library. FP_NO_BUILD=1 takes what is built.
#   scripts/test/phones.sh [TARGET...]         all five take the engine's build five times
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- aarch64-linux-android armv7-linux-androideabi x86_64-linux-android aarch64-apple-ios aarch64-apple-ios-sim
export PROFILE="${PROFILE:-quick}"
built=${CARGO_TARGET_DIR:-target}/cross
mkdir -p build/phones
for target in "$@"; do
    [ -n "${FP_NO_BUILD-}" ] || scripts/build/cross.sh "$target"
    python3 scripts/test/phones.py "$target" "$built/$target/$PROFILE/libface_predict.a" build/phones
done
if [ -f "$built/aarch64-apple-ios/$PROFILE/libface_predict.a" ] && [ -f "$built/aarch64-apple-ios-sim/$PROFILE/libface_predict.a" ]; then
    bindings/swift/xcframework.py "$built" "$PROFILE"
    python3 -c '
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
