#!/bin/sh
# Builds the binding and runs its tests with JUnit 4.
#   bindings/java/test.sh [--install]     --install: Debian's junit4, when missing
set -eu
cd "$(dirname "$0")/../.."
command -v javac >/dev/null || { echo "skip: no javac (openjdk-17-jdk-headless)"; exit 0; }
jars=/usr/share/java/junit4.jar:/usr/share/java/hamcrest-all.jar:/usr/share/java/hamcrest.jar
if [ ! -f /usr/share/java/junit4.jar ]; then
    [ "${1-}" = --install ] || { echo "skip: no JUnit (junit4)"; exit 0; }
    apt-get install -q -y --no-install-recommends junit4
fi
bindings/java/build.sh
out=build/java
mkdir -p $out/tests
javac --release 17 -Xlint:all -Xlint:-path -Werror -cp $out/face-predict.jar:$jars -d $out/tests bindings/java/test/Load.java \
    bindings/java/test/facepredict/*.java
java=java
$java -version 2>&1 | head -n 1
run="$java -Xcheck:jni -cp $out/face-predict.jar:$out/tests:$jars"
$run -Djava.library.path=$out org.junit.runner.JUnitCore facepredict.CasesTest facepredict.BindingTest
fail() { echo "java: $*" >&2; exit 1; }
$run -Djava.library.path=/nowhere Load | grep -c 'LINK.*bindings/java/build.sh' | grep -qx 2 || fail "a missing library"
echo 'no library' > $out/broken.so
$run -Dfacepredict.library="$PWD/$out/broken.so" Load | grep -q 'LINK.*does not fit' || fail "a broken library"
echo 'int Java_facepredict_Native_version(void *e, void *c) { (void)e, (void)c; return 3 << 16 | 1; }' > $out/other.c
cc -shared -fPIC -Wall -o $out/other.so $out/other.c
$run -Dfacepredict.library="$PWD/$out/other.so" Load | grep -q 'LINK.*is version 3.0.1.*major version 0' || fail "another major version"
echo "missing, broken and other libraries: good"
# A jar that contains the library needs no path, and leaves no file behind.
folder=$out/carried/facepredict/native/linux-$(uname -m)
rm -rf $out/carried $out/temporary
mkdir -p "$folder" $out/temporary
cp $out/libface_predict_jni.so "$folder/"
cp $out/face-predict.jar $out/carried.jar
jar --update --file $out/carried.jar -C $out/carried facepredict
carried="$java -Xcheck:jni -XX:-UsePerfData -Djava.library.path=/nowhere -Djava.io.tmpdir=$out/temporary -cp $out/carried.jar:$out/tests Load"
$carried | grep -v LINK | grep -c . | grep -qx 2 || fail "a jar with the library inside"
[ -z "$(ls $out/temporary)" ] || fail "the jar's library was left in the folder of temporary files"
rm -r $out/temporary
$carried | grep -c 'LINK.*cannot be unpacked' | grep -qx 2 || fail "a jar whose library cannot be unpacked"
echo "a jar with the library inside: good"

# Debian's kotlinc is of 2019 and has 86 MB, so it is not installed for this.
if command -v kotlinc >/dev/null; then
    block() { awk -v wanted="$1" '/^```/ { inside = 0 } inside; /^```kotlin/ { inside = ++count == wanted }' "$2"; }
    {
        echo 'import facepredict.*'
        echo 'import java.nio.ByteBuffer'
        echo 'import java.util.concurrent.Executor'
        echo 'fun camera(model: Model, analysis: ImageAnalysis, executor: Executor, isFrontCamera: Boolean) {'
        block 1 bindings/java/README.md
        echo '}'
        echo 'fun bitmap(model: Model, bitmap: Bitmap): Int {'
        block 2 bindings/java/README.md
        echo 'return faces.size }'
    } > $out/Snippets.kt
    # The second of these jars has `use` for an AutoCloseable.
    kotlin=/usr/share/java/kotlin-stdlib.jar:/usr/share/java/kotlin-stdlib-jdk7.jar
    kotlinc -nowarn -cp $out/face-predict.jar:$kotlin -d $out/kotlin bindings/java/test/Kotlin.kt $out/Snippets.kt 2>$out/kotlinc.log ||
        { cat $out/kotlinc.log >&2; fail "the Kotlin program does not compile"; }
    $run:$out/kotlin:$kotlin -Djava.library.path=$out KotlinKt
else
    echo "no kotlinc (Debian's kotlin): the Kotlin program is left out"
fi
