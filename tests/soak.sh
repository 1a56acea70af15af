#!/bin/sh
# The random tests at length: soak.sh BUILD TIMES [SEED], TIMES the rounds of `make test`. A failure is repeated with
# the seed that is printed. Each program has RECKONER_SOAK_SECONDS (7,200 unless told). Python tests that are random
# and heed RECKONER_TIMES and RECKONER_SEED are run when their name begins with soak_ (tests/*/soak_*.py) or
# test_random_ (a round of which `make test` makes too: a hundred statements, so ten times are a thousand).
set -eu
cd "$(dirname "$0")/.."
build=$1
RECKONER_TIMES=$2
RECKONER_SEED=${3:-$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')}
export RECKONER_TIMES RECKONER_SEED CK_FORK=no CK_VERBOSITY=normal
export CK_DEFAULT_TIMEOUT=0
export RECKONER_BUILD="$PWD/$build" PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD:$PWD/tests/lib:$PWD/deploy"
limit=${RECKONER_SOAK_SECONDS:-7200}
status=0
failed=0
ran=0
cluster=$build/postgres-soak
echo "soak: $RECKONER_TIMES times the rounds, seed $RECKONER_SEED"
deploy/private-postgres.sh stop "$cluster" # left over from a run that was killed
RECKONER_TEST_DATABASE=$(deploy/private-postgres.sh start "$cluster" --throwaway)
export RECKONER_TEST_DATABASE
trap 'deploy/private-postgres.sh stop "$cluster"' EXIT
trap 'exit 130' INT TERM
for program in "$build"/tests/property/test_* "$build"/tests/store/test_contract_years tests/*/soak_*.py \
    tests/*/test_random_*.py; do
    case $program in
    *.o | *.d | *'*'*) continue ;;
    esac
    ran=$((ran + 1))
    began=$(date +%s)
    echo "== $program"
    case $program in
    *.py) timeout -k 10 "$limit" python3 -B -m unittest "$program" || failed=$? ;;
    *) timeout -k 10 "$limit" "$program" || failed=$? ;;
    esac
    echo "   $(($(date +%s) - began)) s"
    if [ "$failed" -ne 0 ]; then
        status=1
        [ "$failed" -ne 124 ] || echo "over $limit s"
        echo "failed; again with: make soak SOAK_TIMES=$RECKONER_TIMES SOAK_SEED=$RECKONER_SEED"
    fi
    failed=0
done
[ "$ran" -gt 0 ] || {
    echo "soak: no random test was built" >&2
    exit 1
}
exit "$status"
