#!/usr/bin/env python3
"""Lays out FacePredict.xcframework from the libraries of scripts/build/cross.sh, as `xcodebuild -create-xcframework`
does, but without Xcode.

    bindings/swift/xcframework.py [BUILT] [PROFILE]        BUILT: target/cross, PROFILE: dist
"""

import plistlib
import shutil
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
OUT = TOP / "bindings/swift/FacePredict.xcframework"
SLICES = [("ios-arm64", "aarch64-apple-ios", None), ("ios-arm64-simulator", "aarch64-apple-ios-sim", "simulator")]

built = Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "target/cross"
profile = sys.argv[2] if len(sys.argv) > 2 else "dist"
shutil.rmtree(OUT, ignore_errors=True)
libraries = []
for name, target, variant in SLICES:
    headers = OUT / name / "Headers"
    headers.mkdir(parents=True)
    shutil.copy(built / target / profile / "libface_predict.a", OUT / name)
    shutil.copy(TOP / "include/face_predict.h", headers)
    (headers / "module.modulemap").write_text('module FacePredict {\n    header "face_predict.h"\n    export *\n}\n')
    library = {
        "BinaryPath": "libface_predict.a",
        "HeadersPath": "Headers",
        "LibraryIdentifier": name,
        "LibraryPath": "libface_predict.a",
        "SupportedArchitectures": ["arm64"],
        "SupportedPlatform": "ios",
    }
    libraries.append({**library, "SupportedPlatformVariant": variant} if variant else library)
info = {"AvailableLibraries": libraries, "CFBundlePackageType": "XFWK", "XCFrameworkFormatVersion": "1.0"}
(OUT / "Info.plist").write_bytes(plistlib.dumps(info))
print(OUT)
