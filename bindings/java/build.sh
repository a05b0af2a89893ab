#!/bin/sh
# Builds build/java/face-predict.jar and build/java/libface_predict_jni.so, which contains the library.
set -eu
cd "$(dirname "$0")/../.."
out=build/java
home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
[ -f "$home/include/jni.h" ] || { echo "no jni.h in $home: set JAVA_HOME to a JDK of version 17 or later" >&2; exit 1; }
mkdir -p $out/classes
"$home/bin/javac" --release 17 -Xlint:all -Werror -d $out/classes bindings/java/src/facepredict/*.java
"$home/bin/jar" --create --file $out/face-predict.jar -C $out/classes .
# Only JNI's entry points are exported.
printf '{ global: Java_facepredict_*; local: *; };\n' > $out/jni.map
${CC:-cc} -shared -fPIC -O2 -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude -I"$home/include" -I"$home/include/linux" \
    bindings/java/native/face_predict_jni.c "${FP_BUILT:-${CARGO_TARGET_DIR:-target}/release}/libface_predict.a" \
    -Wl,--version-script=$out/jni.map -Wl,-z,noexecstack -Wl,-z,nodelete -lpthread -lm -ldl -o $out/libface_predict_jni.so
strip --strip-unneeded $out/libface_predict_jni.so
