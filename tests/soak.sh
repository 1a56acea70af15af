#!/bin/sh
# The random tests at length: soak.sh BUILD TIMES [SEED], TIMES the rounds of `make test`. A failure is repeated with
# the seed that is printed.
set -eu
cd "$(dirname "$0")/.."
build=$1
RECKONER_TIMES=$2
RECKONER_SEED=${3:-$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')}
export RECKONER_TIMES RECKONER_SEED CK_FORK=no CK_VERBOSITY=normal
export CK_DEFAULT_TIMEOUT=0
status=0
ran=0
cluster=$build/postgres-soak
echo "soak: $RECKONER_TIMES times the rounds, seed $RECKONER_SEED"
deploy/private-postgres.sh stop "$cluster" # left over from a run that was killed
RECKONER_TEST_DATABASE=$(deploy/private-postgres.sh start "$cluster" --throwaway)
export RECKONER_TEST_DATABASE
trap 'deploy/private-postgres.sh stop "$cluster"' EXIT
trap 'exit 130' INT TERM
for program in "$build"/tests/property/test_* "$build"/tests/store/test_contract_years; do
    case $program in
    *.o | *.d | *'*') continue ;;
    esac
    ran=$((ran + 1))
    echo "== $program"
    "$program" || {
        status=1
        echo "failed; again with: make soak SOAK_TIMES=$RECKONER_TIMES SOAK_SEED=$RECKONER_SEED"
    }
done
[ "$ran" -gt 0 ] || {
    echo "soak: no random test was built" >&2
    exit 1
}
exit "$status"
