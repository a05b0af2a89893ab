#!/bin/sh
# Prints a table of the stripped shared library's size, for README.
#   scripts/size.sh [--build] PROFILE[:FEATURES]...     FEATURES: +-separated, "none" for --no-default-features
#   scripts/size.sh --build release dist dist:none
# Without --build only what was built before is shown. A profile of its own builds the engine anew: some 15 minutes of one
# core. The library alone is built, since a profile's lto does not reach a crate that is a Rust library as well.
set -eu
cd "$(dirname "$0")/.."
build=
[ "${1-}" = --build ] && build=1 && shift
[ $# -gt 0 ] || set -- release
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
echo "| profile | features | stripped library | of it code | gzip -9 |"
echo "| --- | --- | ---: | ---: | ---: |"
mega() { awk -v bytes="$1" 'BEGIN { printf "%.2f MB", bytes / 1e6 }'; }
for entry in "$@"; do
    profile=${entry%%:*}
    features=default
    arguments=
    kept=
    if [ "$entry" != "$profile" ]; then
        features=$(echo "${entry#*:}" | tr + ,)
        arguments=--no-default-features
        [ "$features" = none ] || arguments="$arguments --features $features"
        kept=/size-$(echo "$features" | tr , -)
    fi
    folder=${CARGO_TARGET_DIR:-target}$kept
    library=$folder/$profile/libface_predict.so
    if [ -n "$build" ]; then
        # shellcheck disable=SC2086
        CARGO_TARGET_DIR=$folder cargo rustc --quiet --profile "$profile" --lib --crate-type cdylib $arguments >&2
    fi
    [ -f "$library" ] || { echo "| $profile | $features | not built | | |"; continue; }
    strip --strip-unneeded -o "$temp/stripped.so" "$library"
    bytes=$(wc -c < "$temp/stripped.so")
    code=$(size -A "$temp/stripped.so" | awk '$1 == ".text" { print $2 }')
    small=$(gzip -9 -c "$temp/stripped.so" | wc -c)
    echo "| $profile | $features | $(mega "$bytes") | $(mega "$code") | $(mega "$small") |"
done
