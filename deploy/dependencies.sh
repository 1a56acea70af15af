#!/bin/sh
# Installs what Reckoner needs and this Debian 12 machine lacks, from Debian's own packages, and says what and why.
#
#   dependencies.sh GROUP...      groups: build run test lint fuzz bench
#
# Silent and quick when nothing is missing. Uses sudo when not root. Fetches the package lists only when they are
# missing or out of date. Installing PostgreSQL must not start a cluster of the system's: where the package
# postgresql-common is not there yet, /etc/postgresql-common/createcluster.conf is written first, to say so.
set -eu

fail() {
    echo "dependencies: $1" >&2
    exit 1
}

# package, why; one line each.
list() {
    case $1 in
    build) cat <<'LIST' ;;
gcc C compiler
libc6-dev C library headers
make runs the build
pkg-config finds the libraries
libmicrohttpd-dev HTTP
libpq-dev PostgreSQL client library
libjansson-dev JSON
libsodium-dev signatures, sealing and hashes
libssl-dev SHA-256 of uploads by the processor's own instructions
zlib1g-dev unpacks uploads sent with Content-Encoding: gzip
liblz4-dev packs the chunks of uploads before they are sealed
LIST
    run) cat <<'LIST' ;;
postgresql-15 database, run as a private cluster
postgresql-client-15 psql
python3 drives the demonstration
openssl checks signatures in the demonstration
minisign checks signatures in the demonstration
LIST
    test) cat <<'LIST' ;;
check unit test library
python3-yaml reads the API description in its test
curl sends the requests of the guides, which are replayed
jq shows what they answer
LIST
    lint) cat <<'LIST' ;;
clang-format-14 layout of C
clang-tidy-14 static analysis of C
cppcheck static analysis of C
shellcheck static analysis of shell scripts
LIST
    fuzz) cat <<'LIST' ;;
clang-14 compiler with libFuzzer
libclang-rt-14-dev sanitizer and fuzzer runtime
LIST
    bench) cat <<'LIST' ;;
postgresql-15 pgbench, the yardstick
LIST
    *) fail "unknown group $1: use build, run, test, lint, fuzz or bench" ;;
    esac
}

[ $# -gt 0 ] || fail "name at least one group: build, run, test, lint, fuzz, bench"
for group in "$@"; do
    list "$group" >/dev/null # refuses unknown groups
done
wanted=$(for group in "$@"; do list "$group"; done | sort -u -k 1,1)

installed() {
    # shellcheck disable=SC2046 # one argument per package is meant
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' $(echo "$wanted" | cut -d ' ' -f 1) 2>/dev/null |
        sed -n 's/^installed //p'
}

have=$(installed | sort -u || :)
missing=$(echo "$wanted" | cut -d ' ' -f 1 | while read -r package; do
    echo "$have" | grep -qx "$package" || echo "$package"
done)
[ -n "$missing" ] || exit 0

# shellcheck disable=SC1091 # not part of the project
system=$(. /etc/os-release && echo "${ID:-}${VERSION_ID:-}")
if [ "$system" != debian12 ]; then
    # shellcheck disable=SC2086 # one line is meant
    fail "this is $system and only Debian 12 can be served; install the like of: "$missing
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    # shellcheck disable=SC2086 # one line is meant
    command -v sudo >/dev/null ||
        fail "not root and no sudo here; as root run: apt-get install --no-install-recommends "$missing
    as_root=sudo
fi

echo "dependencies: installing from Debian:" >&2
for package in $missing; do
    echo "$wanted" | sed -n "s/^$package \(.*\)/  $package (\1)/p" >&2
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT

quietly() {
    # shellcheck disable=SC2086 # empty or the word sudo
    $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1
}

if echo "$missing" | grep -q '^postgresql-15$' && ! dpkg-query -W postgresql-common >/dev/null 2>&1 &&
    [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo "  (/etc/postgresql-common/createcluster.conf: create_main_cluster = false, so that no cluster starts)" >&2
    $as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
fi

install_missing() {
    # shellcheck disable=SC2086 # one argument per package is meant
    quietly apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=600 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold $missing
}

if ! install_missing; then
    echo "  (fetching the package lists)" >&2
    quietly apt-get update -q -o DPkg::Lock::Timeout=600 || {
        cat "$log" >&2
        fail "apt-get update failed: check the network and /etc/apt/sources.list"
    }
    install_missing || {
        cat "$log" >&2
        fail "apt-get install failed; what it said is above"
    }
fi
