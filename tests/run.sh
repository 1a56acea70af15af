#!/bin/sh
# Runs every test of a build folder and counts. `make test` builds first; to run a part by hand:
#
#   tests/run.sh BUILD [PATTERN]     only the programs whose name contains PATTERN, for example store or test_api
#
# C programs (Check) and Python tests (unittest) run side by side: the store tests against a private PostgreSQL, each
# with a database of its own named in RECKONER_TEST_DATABASE (a superuser's connection string); the Python tests find
# the programs through RECKONER_BUILD. One line per program; the last line is the sum.
set -eu
cd "$(dirname "$0")/.."
build=$1
pattern=${2:-}
export RECKONER_BUILD="$PWD/$build"
export CK_FORK=no # LeakSanitizer cannot see into forks that Check makes
export CK_VERBOSITY=normal
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$PWD:$PWD/tests/lib:$PWD/deploy"
unset RECKONER_CONFIG

out=$build/results
rm -rf "$out"
mkdir -p "$out"
began=$(date +%s)
cluster=

remove_prepared() {
    for folder in "$build"/services/prepared-*; do
        if [ -d "$folder" ]; then
            deploy/private-postgres.sh stop "$folder/postgres"
            rm -rf "$folder"
        fi
    done
}

finish() {
    remove_prepared
    if [ -n "$cluster" ]; then
        deploy/private-postgres.sh stop "$cluster"
    fi
}
trap finish EXIT
trap 'exit 130' INT TERM

remove_prepared # left over from a run that was killed
wanted() {
    for program in "$@"; do
        case $program in
        *"$pattern"*) [ ! -f "$program" ] || echo "$program" ;;
        esac
    done
}

wanted "$build"/tests/property/test_* "$build"/tests/store/test_* "$build"/tests/unit/test_* |
    grep -v '\.[od]$' >"$out/c.list" || :
wanted tests/blackbox/test_*.py tests/*/test_*.py | awk '!seen[$0]++' >"$out/python.list"

# The longest first, so that none runs alone at the end; behind them a C program, which is busy throughout, and a Python
# program, which waits half of its time, in turn.
longest='property/test_(differential|settlement|statistics)|store/test_contract_years|ops/test_guides'
longest="$longest|api/test_(random_statements|rehearsal)"
in_order() {
    cat "$out/c.list" "$out/python.list" | grep -E "$longest" || :
    paste -d '\n' "$out/c.list" "$out/python.list" | grep -Ev "$longest" | sed '/^$/d' || :
}
in_order >"$out/list"

if grep -q /store/ "$out/c.list"; then
    cluster=$build/postgres
    deploy/private-postgres.sh stop "$cluster" # left over from a run that was killed
    RECKONER_TEST_DATABASE=$(deploy/private-postgres.sh start "$cluster" --throwaway)
    export RECKONER_TEST_DATABASE
fi

# One more than there are processors, and not many even on a large machine: the black-box tests measure time.
at_once=$(($(nproc) < 4 ? $(nproc) + 1 : 5))
xargs -r -P "$at_once" -I '{}' tests/run_one.sh "$out" '{}' <"$out/list" || :

# A program that left no count is a failure, so that nothing passes by not running.
passed=0
failed=0
while read -r program; do
    count=$out/$(echo "$program" | tr / _).count
    if [ -s "$count" ]; then
        read -r good bad <"$count"
    else
        good=0 bad=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
done <"$out/list"
if [ ! -s "$out/c.list" ] && [ ! -s "$out/python.list" ]; then
    echo "no test matches ${pattern:-the build}" >&2
    failed=1
fi
echo "$(wc -l <"$out/c.list") C programs and $(wc -l <"$out/python.list") Python programs in $(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
