#!/usr/bin/env bash
# The C programs of many threads under ThreadSanitizer: the library, the engine and Rust's own library are built with it.
#
#   scripts/test/thread_sanitizer.sh
#
# The stable compiler can do it if unstable options are allowed. It needs its component rust-src. The first build takes
# ten minutes, and is kept in TSAN_TARGET_DIR. Code that exists only in assembler is not watched.
set -euo pipefail
cd "$(dirname "$0")/../.."
inputs=${CARGO_TARGET_DIR:-target}/tmp/c_abi/inputs
[ -d "$inputs" ] || { echo "no $inputs: run cargo test --release --workspace --test c_abi first" >&2; exit 1; }
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread
export CARGO_TARGET_DIR=${TSAN_TARGET_DIR:-build/tsan/target}
triple=$(rustc -vV | sed -n 's/^host: //p')
nice -n "${TSAN_NICE:-10}" cargo rustc --profile quick --package face-predict --lib --crate-type staticlib --no-default-features \
    --features decode,detector,weights-base -Zbuild-std=std,panic_unwind --target "$triple"

# The runtime comes from Rust, because it must fit the code that Rust's compiler inserts. gcc calls the same functions.
runtime=$(echo "$(rustc --print target-libdir)"/librustc-*_rt.tsan.a)
work=build/tsan
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
# A caller who breaks the rules must be detected, or nothing was watched.
if "$work/race" "$inputs" >"$work/race.log" 2>&1 || ! grep -q 'WARNING: ThreadSanitizer: data race' "$work/race.log"; then
    echo "race: a race within the library was not seen"
    head -n 50 "$work/race.log"
    failed=1
else
    echo "race: seen, as it must be"
fi
exit "$failed"
