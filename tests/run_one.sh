#!/bin/sh
# One test program for tests/run.sh: runs it under a time limit, writes its output and "PASSED FAILED" into the folder
# of results, prints one line, and the output when something failed.
set -eu
out=$1
program=$2
name=$(echo "$program" | tr / _)
log=$out/$name.log
limit=${RECKONER_TEST_SECONDS:-420}
began=$(date +%s)

case $program in
*/store/test_*)
    # A database of its own, so that store tests run side by side; dropped with the cluster.
    database=$(basename "$program")
    /usr/lib/postgresql/15/bin/psql -X -q "$RECKONER_TEST_DATABASE" \
        -c "CREATE DATABASE $database OWNER reckoner_migrate"
    RECKONER_TEST_DATABASE=$(echo "$RECKONER_TEST_DATABASE" | sed "s/dbname=[^ ]*/dbname=$database/")
    export RECKONER_TEST_DATABASE
    ;;
esac

status=0
case $program in
*.py) timeout -k 10 "$limit" python3 -B -m unittest "$program" >"$log" 2>&1 || status=$? ;;
*) timeout -k 10 "$limit" "$program" >"$log" 2>&1 || status=$? ;;
esac

# Check: "97%: Checks: 40, Failures: 1, Errors: 0", one line per suite runner.
# unittest: "Ran 12 tests in 3.4s", then "OK (skipped=1)" or "FAILED (failures=1, errors=2)".
counts=$(awk '
    function number(name) {
        return match($0, name "=[0-9]+") ? substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1) : 0
    }
    /^[0-9]+%: Checks: / { gsub(/,/, ""); all += $3; bad += $5 + $7; seen = 1 }
    /^Ran [0-9]+ tests? in / { all += $2; seen = 1 }
    /^FAILED \(/ { bad += number("failures") + number("errors") + number("unexpected successes") }
    /^(OK|FAILED) \(.*skipped=/ { skipped += number("skipped") }
    # What fails around the tests (setUpClass) is counted beside them.
    END { if (seen) print (all > bad + skipped ? all - bad - skipped : 0), bad + 0, skipped + 0 }' "$log")
if [ -z "$counts" ]; then
    counts="0 1 0" # it ended before it could count: a crash, a sanitizer, the time limit
fi
# shellcheck disable=SC2086 # three numbers are meant
set -- $counts
good=$1 bad=$2 skipped=$3
if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
    bad=1 # all tests passed and the program still failed: a leak, for example
fi
# A skipped test is one that did not run; the suite has everything it needs, so that is a failure too.
bad=$((bad + skipped))
if [ "$good" -eq 0 ] && [ "$bad" -eq 0 ]; then
    bad=1
fi
echo "$good $bad" >"$out/$name.count"

line="$program: $good passed, $bad failed, $(($(date +%s) - began)) s"
case $status in
124 | 137) line="$line (over $limit s)" ;;
esac
if [ "$bad" -eq 0 ]; then
    echo "$line"
else
    {
        echo "$line"
        tail -n 80 "$log" | sed 's/^/    /'
    } >"$out/$name.shown"
    cat "$out/$name.shown"
fi
