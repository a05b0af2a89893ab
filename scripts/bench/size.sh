#!/bin/sh
# The table of sizes in docs/benchmarks.md: the shared library as `make install` builds it, stripped, by features.
#   scripts/bench/size.sh --build    builds what it measures (ten minutes of one core for each line, an hour when the engine is new)
#   scripts/bench/size.sh --write    puts the table into docs/benchmarks.md
# Without --build what was built before is measured.
set -eu
cd "$(dirname "$0")/../.."
build= write=
for argument in "$@"; do
    case $argument in
    --build) build=1 ;;
    --write) write=1 ;;
    *) echo "unknown: $argument" >&2 && exit 2 ;;
    esac
done
target=${CARGO_TARGET_DIR:-target}
kept=$target/size
mkdir -p "$kept"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mega() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1e6 }'; }

# One line: what it is called, its file, and the features.
line() {
    library=$kept/$2.so
    if [ -n "$build" ]; then
        make -s -f packaging/install.mk library-built PROFILE=dist FEATURES="$3" >&2
        cp "$target/dist/libface_predict.so" "$library"
        cp "$target/dist/libface_predict.a" "$kept/$2.a"
    fi
    [ -f "$library" ] || { echo "| $1 | not built | | |"; return; }
    strip --strip-unneeded -o "$temp/stripped.so" "$library"
    bytes=$(wc -c < "$temp/stripped.so")
    code=$(size -A "$temp/stripped.so" | awk '$1 == ".text" { print $2 }')
    small=$(gzip -9 -c "$temp/stripped.so" | wc -c)
    echo "| $1 | $(mega "$bytes") | $(mega "$code") | $(mega "$small") |"
}

{
    echo "| features | stripped library, MB | of it code | gzip -9 |"
    echo "| --- | ---: | ---: | ---: |"
    line '`decode,detector,weights-base`: the default' installed decode,detector,weights-base
    line '`all-operators,decode,detector,weights-base`' all all-operators,decode,detector,weights-base
    line 'none: no decoders, no weights' minimal ''
} > "$temp/table"
cat "$temp/table"
if [ -n "$write" ]; then
    awk -v table="$temp/table" '
        /<!-- end -->/ { skip = 0 }
        !skip { print }
        /<!-- sizes -->/ { while ((getline row < table) > 0) print row; skip = 1 }' docs/benchmarks.md > "$temp/page.md"
    cp "$temp/page.md" docs/benchmarks.md
fi
