#!/bin/sh
# Times two builds of face-train in turns, and prints the faces a second of each and their ratio:
#   scripts/bench/trainer.sh OLD NEW --arch base --manifest faces.csv --root photos --threads 2
# OLD_OPTIONS are for OLD alone. Revision 694b83c has --half instead of --bf16: OLD_OPTIONS=--half NEW_OPTIONS=--bf16
# The median of all epochs but the first of each run counts: in the first the crops are kept.
set -eu
[ $# -ge 3 ] || { echo "scripts/bench/trainer.sh OLD NEW TRAIN-OPTIONS..." >&2; exit 2; }
old=$1 new=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
time_one() {
    name=$1 program=$2
    shift 2
    "$program" train "$@" --epochs 4 --epoch-size 4000 --cache "$work/$name" --run "$work/$name.$turn" >"$work/now.log" 2>&1 ||
        { cat "$work/now.log" >&2; exit 1; }
    cat "$work/now.log" >>"$work/$name.log"
}
for turn in 1 2; do
    # shellcheck disable=SC2086 # options are words
    time_one old "$old" "$@" ${OLD_OPTIONS:-}
    # shellcheck disable=SC2086
    time_one new "$new" "$@" ${NEW_OPTIONS:-}
done
rate() {
    sed -n 's/^epoch  *[2-9][0-9]*  .* \([0-9][0-9]*\)\/s.*/\1/p' "$1" | sort -n | awk '{ rate[NR] = $1 } END { print rate[int((NR + 1) / 2)] }'
}
awk -v old="$(rate "$work/old.log")" -v new="$(rate "$work/new.log")" \
    'BEGIN { printf "old %d faces a second, new %d, ratio %.2f\n", old, new, new / old }'
