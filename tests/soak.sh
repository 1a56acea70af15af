#!/bin/sh
# The random tests at length: soak.sh BUILD ROUNDS [SEED]. A failure is repeated with the seed that is printed.
set -eu
cd "$(dirname "$0")/.."
build=$1
RECKONER_ROUNDS=$2
RECKONER_SEED=${3:-$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')}
export RECKONER_ROUNDS RECKONER_SEED CK_FORK=no CK_VERBOSITY=normal
export CK_DEFAULT_TIMEOUT=0
status=0
ran=0
echo "soak: $RECKONER_ROUNDS rounds, seed $RECKONER_SEED"
for program in "$build"/tests/property/test_*; do
    case $program in
    *.o | *.d | *'*') continue ;;
    esac
    ran=$((ran + 1))
    echo "== $program"
    "$program" || {
        status=1
        echo "failed; again with: make soak SOAK_ROUNDS=$RECKONER_ROUNDS SOAK_SEED=$RECKONER_SEED"
    }
done
[ "$ran" -gt 0 ] || {
    echo "soak: no random test was built" >&2
    exit 1
}
exit "$status"
