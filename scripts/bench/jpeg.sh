#!/bin/sh
# Times the JPEG decoder beside libjpeg-turbo, in turns, at each scale: scripts/bench/jpeg.sh FILE...
# Needs libjpeg-turbo's header (Debian: libjpeg62-turbo-dev). The least of CPU times counts.
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || { echo "scripts/bench/jpeg.sh FILE..." >&2; exit 2; }
target=${CARGO_TARGET_DIR:-target}
mkdir -p build
${CC:-cc} -O2 -std=c99 -Wall -Wextra scripts/bench/jpeg.c -ljpeg -o build/bench_jpeg
${CARGO:-cargo} build --quiet --release --package face-predict-jpeg --example jpeg_time
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for _ in 1 2 3 4 5; do
    build/bench_jpeg 3 "$@" | sed 's/^/turbo /' >>"$log"
    "$target"/release/examples/jpeg_time 3 "$@" | sed 's/^/ours /' >>"$log"
done
awk '
    { key = $2 " 1/" $3; if (!(key in seen)) { seen[key] = 1; order[++count] = key } }
    { if (!(($1, key) in least) || $4 < least[$1, key]) least[$1, key] = $4 }
    END {
        printf "%8s %8s %6s\n", "ours", "turbo", "ratio"
        for (i = 1; i <= count; i++) {
            key = order[i]
            printf "%5.1f ms %5.1f ms %5.2f  %s\n", least["ours", key], least["turbo", key], least["ours", key] / least["turbo", key], key
        }
    }' "$log"
