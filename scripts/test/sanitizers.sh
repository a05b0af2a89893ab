#!/bin/sh
# Runs the C tests of right and wrong use under AddressSanitizer with UndefinedBehaviorSanitizer, and under valgrind.
#
#   scripts/test/sanitizers.sh [LIBRARY_FOLDER INPUT_FOLDER WORK_FOLDER]
#
# Without arguments it builds the library and the inputs first. The sanitizers watch the C side and every block of
# memory, the library's too; valgrind also sees reads of unset memory inside the library.
set -eu
cd "$(dirname "$0")/../.."

if [ $# -eq 3 ]; then
    libraries=$1 inputs=$2 work=$3
else
    target=${CARGO_TARGET_DIR:-target}
    cargo test --quiet --release --package face-predict --test c_abi -- --exact inputs_are_written
    libraries=$target/release/deps inputs=$target/tmp/c_abi/inputs work=$target/tmp/c_abi
fi

for tool in gcc valgrind; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is not installed" >&2
        exit 1
    fi
done

build() {
    name=$1 out=$2
    shift 2
    gcc -std=c99 -g -O1 -Wall -Wextra -Werror -Wpedantic -Iinclude "$@" -o "$out" "tests/c/$name.c" \
        "$libraries/libface_predict.a" -lutil -lrt -lpthread -lm -ldl -lc -Wl,-z,noexecstack
}

run() {
    what=$1 log=$work/$2.log
    shift 2
    if ! "$@" >"$log" 2>&1; then
        verdict="failed"
    elif [ -s "$log" ]; then
        verdict="printed something"
    else
        verdict="clean"
    fi
    echo "$what: $verdict"
    cat "$log"
    [ "$verdict" = clean ]
}

# A request that is too large must return NULL, as without the sanitizer.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for name in test misuse; do
    build $name "$work/${name}_sanitized" -fsanitize=address,undefined -fno-sanitize-recover=all \
        -fno-omit-frame-pointer
    run "$name, AddressSanitizer and UndefinedBehaviorSanitizer" ${name}_sanitized \
        "$work/${name}_sanitized" "$inputs"
done

# The built-in model lives as long as the process. Pointers into the middle of blocks hold it, which valgrind calls
# "possibly lost". So only blocks that nothing points to are leaks. `quick` leaves out what repeats paths of the
# library.
under_valgrind() {
    build "$1" "$work/${1}_valgrind"
    run "$1, valgrind" "${1}_valgrind" valgrind --quiet --error-exitcode=1 --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite "$work/${1}_valgrind" "$inputs" quick
}

under_valgrind test &
under_valgrind misuse
wait $!
