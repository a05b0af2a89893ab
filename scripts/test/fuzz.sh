#!/usr/bin/env bash
# Builds the fuzz targets with libFuzzer and AddressSanitizer, and runs them side by side.
#
#   scripts/test/fuzz.sh [MINUTES [TARGET...]]        10 minutes of each target
#   scripts/test/fuzz.sh --build                      builds alone
#
# The stable compiler is told that it may use unstable options. The first build takes the engine's quarter of an hour,
# and is kept in FUZZ_TARGET_DIR. What is found lies in FUZZ_WORK_DIR/TARGET, beside the corpus that grows; the one that
# is committed, fuzz/seeds/TARGET, is only read. A later run goes on with that corpus. Each run adds a line to
# FUZZ_WORK_DIR/TARGET/spent: its date, its seconds of processor time and its number of inputs.
# SIGINT to a fuzzer ends it as if its time were over. FUZZ_TIMEOUT is the wall time for one input, in seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=${FUZZ_TARGET_DIR:-build/fuzz/target}
triple=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# With a named target, the flags do not reach build scripts and macros, which need no sanitizer.
export RUSTFLAGS="$coverage -Zsanitizer=address --cfg fuzzing -Clink-dead-code=no"
nice -n "${FUZZ_NICE:-10}" cargo build --manifest-path fuzz/Cargo.toml --release --target "$triple" --bins
[ "${1:-}" != --build ] || exit 0

minutes=${1:-10}
shift || true
targets=("$@")
if ((${#targets[@]} == 0)); then
    targets=(encoded jpeg image_descriptor session model_bytes detector_bytes matlab manifest)
fi
export ASAN_OPTIONS=detect_odr_violation=0:allocator_may_return_null=1
all=${FUZZ_WORK_DIR:-build/fuzz}
# Runs a target, and notes the processor time that it took.
run() {
    local work=$1 program=$2 TIMEFORMAT='%U %S' status=0
    shift 2
    { time nice -n "${FUZZ_NICE:-10}" "$program" "$@" >"$work/log" 2>&1 || status=$?; } 2>"$work/seconds"
    awk -v date="$(date -u +%FT%TZ)" -v runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")" \
        '{ printf "%s %.0f %d\n", date, $1 + $2, runs }' "$work/seconds" >>"$work/spent"
    return "$status"
}
failed=0 pids=()
for target in "${targets[@]}"; do
    work=$all/$target
    mkdir -p "$work/corpus" "fuzz/seeds/$target"
    seeds=("fuzz/seeds/$target")
    case $target in encoded | jpeg) seeds+=(crates/jpeg/tests/cases) ;; esac
    # A model file has some kilobytes, and of other inputs, larger ones show little more.
    run "$work" "$CARGO_TARGET_DIR/$triple/release/$target" "$work/corpus" "${seeds[@]}" -max_total_time=$((minutes * 60)) \
        -artifact_prefix="$work/" -timeout="${FUZZ_TIMEOUT:-60}" -rss_limit_mb=2048 -malloc_limit_mb=1500 -max_len=20000 \
        -close_fd_mask=1 -print_final_stats=1 -interrupted_exitcode=0 &
    pids+=($!)
done
for index in "${!pids[@]}"; do
    target=${targets[$index]}
    if wait "${pids[$index]}"; then verdict=clean; else verdict=FOUND failed=1; fi
    log=$all/$target/log
    # Without a match, the script would end here, and not say what the log tells.
    last=$(grep -E 'cov: [0-9]+' "$log" | tail -1 || true)
    spent=$(awk '{ s += $2; n += $3 } END { printf "%d s of processor time and %d runs in all", s, n }' "$all/$target/spent")
    printf '%s: %s, %s, %s\n' "$target" "$verdict" "$spent" "${last:-it never ran}"
    [ "$verdict" = clean ] || tail -30 "$log"
done
exit "$failed"
