#!/bin/sh
# Every fuzz target for some seconds: fuzz.sh BUILD SECONDS [TARGET]. A target is tests/fuzz/fuzz_NAME.c; it starts from
# the files in tests/fuzz/corpus/NAME, if there are any. tests/fuzz/canary.c holds a fault that must be found first:
# a fuzzer that cannot find it would find nothing else.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2
only=${3:-}

names=
for source in tests/fuzz/fuzz_*.c; do
    [ -f "$source" ] || continue
    name=$(basename "$source" .c)
    [ -z "$only" ] || [ "$only" = "$name" ] || continue
    names="$names $name"
done
[ -n "$names" ] || {
    echo "fuzz: no target${only:+ named $only}" >&2
    exit 1
}

# gcc's warnings are the ones we keep; clang's differ.
targets=$(for name in canary $names; do echo "$build/fuzz/$name"; done)
# shellcheck disable=SC2086 # one argument per target is meant
make --no-print-directory -s -j"$(nproc)" BUILD="$build" CC=clang-14 SANITIZE=fuzzer-no-link,address,undefined OPT=-O1 \
    WARN=-Wall $targets

work=$build/run
mkdir -p "$work"
if "$build/fuzz/canary" -max_total_time=60 -artifact_prefix="$work/canary-" -verbosity=0 >"$work/canary.log" 2>&1; then
    echo "fuzz: the canary's fault was not found in 60 s: nothing below can be believed"
    exit 1
fi
grep -q 'ERROR: AddressSanitizer\|deadly signal' "$work/canary.log" || {
    cat "$work/canary.log"
    echo "fuzz: the canary ended without the fault it is made for"
    exit 1
}
rm -f "$work"/canary-*
echo "fuzz: canary: fault found, as it must be"

status=0
for name in $names; do
    mkdir -p "$work/$name"
    given=tests/fuzz/corpus/${name#fuzz_}
    [ -d "$given" ] || given=
    # shellcheck disable=SC2086 # empty or one folder
    if "$build/fuzz/$name" -max_total_time="$seconds" -artifact_prefix="$work/$name-" -print_final_stats=1 \
        -rss_limit_mb=2048 -timeout=10 "$work/$name" $given >"$work/$name.log" 2>&1; then
        echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log") inputs, no fault"
    else
        tail -n 40 "$work/$name.log"
        echo "fuzz: $name: fault; the input is $work/$name-*"
        status=1
    fi
done
exit "$status"
