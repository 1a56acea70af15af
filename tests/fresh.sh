#!/bin/sh
# Proves that a fresh Debian 12 needs nothing but a clone: in an empty system (debootstrap), `make demo` and `make test`
# as root, and in another as an ordinary user with sudo.
#
#   tests/fresh.sh [root|user]...      both when none is named; needs root, debootstrap and about 4 GB in TMPDIR
#
# FRESH_TREE names a folder that debootstrap made earlier (minbase with make, git, sudo and ca-certificates), to save
# its time; FRESH_COMMAND another command than `make demo && make test`. The committed state of this clone is tried.
set -eu
root=$(CDPATH='' cd -- "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/reckoner-fresh.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
command=${FRESH_COMMAND:-make demo && make test}

[ "$(id -u)" -eq 0 ] || {
    echo "fresh: root is needed to make and enter an empty system" >&2
    exit 1
}

base=${FRESH_TREE:-$work/base}
[ -d "$base" ] || debootstrap --variant=minbase --include=make,git,sudo,ca-certificates bookworm "$base"

# Mounts and processes are in namespaces of their own and go with them.
inside() {
    tree=$1
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child sh -c '
        tree=$1
        shift
        mount --make-rprivate /
        mount -t proc proc "$tree/proc"
        mount --rbind /dev "$tree/dev"
        mount -t tmpfs tmpfs "$tree/tmp"
        # Not exec: this shell is process 1 and collects the dead.
        chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb "$@"
        exit $?' sh "$tree" "$@"
}

try() {
    who=$1
    tree=$work/$who
    cp -a "$base" "$tree"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    cp /etc/hosts "$tree/etc/hosts"
    if [ "$who" = root ]; then
        home=/root
        login=root
    else
        home=/home/newcomer
        login=newcomer
        inside "$tree" useradd --create-home --shell /bin/sh newcomer
        echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/newcomer"
    fi
    git clone -q --no-hardlinks "$root" "$tree$home/reckoner"
    inside "$tree" chown -R "$login:" "$home/reckoner"
    echo "fresh: as $who: $command"
    inside "$tree" runuser -u "$login" -- env HOME="$home" sh -c "cd $home/reckoner && $command"
    left=$(inside "$tree" find /tmp /var/tmp "$home/reckoner/.run" -mindepth 1 2>/dev/null || :)
    [ -z "$left" ] || {
        echo "fresh: as $who: left behind: $left" >&2
        exit 1
    }
    rm -rf --one-file-system "$tree"
    echo "fresh: as $who: succeeded"
}

[ $# -gt 0 ] || set -- root user
for who in "$@"; do
    case $who in
    root | user) try "$who" ;;
    *)
        echo "fresh: $who is neither root nor user" >&2
        exit 2
        ;;
    esac
done
