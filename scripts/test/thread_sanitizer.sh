#!/usr/bin/env bash
# Runs the C programs that use many threads under ThreadSanitizer.
#
#   scripts/test/thread_sanitizer.sh
#
# The library, the engine and Rust's standard library are built with ThreadSanitizer. The stable compiler can do this if
# unstable options are allowed. It needs the component rust-src. The first build takes ten minutes, and is kept in
# TSAN_TARGET_DIR. ThreadSanitizer does not see code that is written in assembler.
set -euo pipefail
cd "$(dirname "$0")/../.."
inputs=${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs
[ -d "$inputs" ] || { echo "no $inputs: run cargo test --release --workspace --test c_abi first" >&2; exit 1; }
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread
export CARGO_TARGET_DIR=${TSAN_TARGET_DIR:-build/tsan/target}
triple=$(rustc -vV | sed -n 's/^host: //p')
nice -n "${TSAN_NICE:-10}" cargo rustc --profile quick --package face-predict --lib --crate-type staticlib --no-default-features \
    --features decode,detector,weights-base -Zbuild-std=std,panic_unwind --target "$triple"

# ThreadSanitizer's runtime comes from Rust, because it must match the calls that Rust's compiler inserts. The code that
# gcc compiles calls the same functions.
runtime=$(echo "$(rustc --print target-libdir)"/librustc-*_rt.tsan.a)
work=build/tsan
mkdir -p "$work"
for name in threads everything race; do
    gcc -std=c99 -g -O1 -Wall -Wextra -Werror -Wpedantic -Iinclude -pthread -fsanitize=thread -c "tests/c/$name.c" -o "$work/$name.o"
    gcc "$work/$name.o" "$CARGO_TARGET_DIR/$triple/quick/libface_predict.a" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive \
        -lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack -o "$work/$name"
done

export TSAN_OPTIONS=second_deadlock_stack=1:history_size=4
failed=0
for name in threads everything; do
    if "$work/$name" "$inputs" >"$work/$name.log" 2>&1 && [ ! -s "$work/$name.log" ]; then
        echo "$name: clean"
    else
        echo "$name: FOUND"
        head -n 200 "$work/$name.log"
        failed=1
    fi
done
# ThreadSanitizer must report the program that breaks the rules. Otherwise it did not watch the library.
if "$work/race" "$inputs" >"$work/race.log" 2>&1 || ! grep -q 'WARNING: ThreadSanitizer: data race' "$work/race.log"; then
    echo "race: a race within the library was not seen"
    head -n 50 "$work/race.log"
    failed=1
else
    echo "race: seen, as it must be"
fi
exit "$failed"
