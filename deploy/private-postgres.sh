#!/bin/sh
# A PostgreSQL cluster of our own for demonstration, development and tests. It never touches the system's cluster.
#
#   private-postgres.sh start FOLDER [--throwaway] [--like HALTED]
#                                                   make and start it; prints the superuser's connection string
#   private-postgres.sh conninfo FOLDER [ROLE]      the connection string again, for the superuser or a role
#   private-postgres.sh restart FOLDER              fast shutdown and start: connections break, data stays
#   private-postgres.sh crash FOLDER                kill -9 of the postmaster, then start: what a power cut does
#   private-postgres.sh halt FOLDER                 fast shutdown; everything stays for another start
#   private-postgres.sh stop FOLDER                 fast shutdown; the cluster, its socket and FOLDER are removed
#
# FOLDER must be new or one of ours. Start twice is harmless. The server has fsync and synchronous_commit on, so that
# timings are honest. --throwaway (tests) never flushes to disk: what is committed survives killed processes, not
# a power cut. --like begins with a copy of a halted cluster.
#
# Who may connect: anybody who can enter the socket folder, as any role, without a password (pg_hba.conf says
# "local all all trust" and nothing else; there is no TCP port). The folder is a fresh one in /tmp with mode 0700,
# owned by the user the server runs as: the caller, or, when the caller is root, the unprivileged user "postgres"
# (RECKONER_PG_USER names another), so that the caller and the server can use it and nobody else.
set -eu

bin=${RECKONER_PG_BIN:-/usr/lib/postgresql/15/bin}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
unset PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGSERVICE PGOPTIONS PGSSLMODE PGDATA

fail() {
    echo "private-postgres: $1" >&2
    exit 1
}

usage() {
    sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Runs a command as the server's user.
as_server() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --reset-env "$@"
    fi
}

server_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif [ -n "${RECKONER_PG_USER:-}" ]; then
        echo "$RECKONER_PG_USER"
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

load() {
    if [ ! -f "$folder/cluster" ] || [ ! -f "$folder/socket" ]; then
        fail "there is no cluster in $folder: start it first"
    fi
    data=$(cat "$folder/cluster")
    socket=$(cat "$folder/socket")
    user=$(server_user)
}

conninfo() {
    echo "host=$socket port=5432 dbname=reckoner user=${1:-postgres}"
}

sql() {
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 "host=$socket port=5432 dbname=$1 user=postgres" "$2" "$3"
}

postmaster_pid() {
    if [ -f "$data/postmaster.pid" ]; then
        head -n 1 "$data/postmaster.pid"
    fi
}

alive() {
    [ -n "$1" ] && [ -d "/proc/$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

make_cluster() {
    user=$(server_user)
    [ "$user" != root ] || fail "RECKONER_PG_USER is root, which PostgreSQL refuses: name an unprivileged user"
    mkdir -p "$folder"
    [ -z "$(ls -A "$folder")" ] || fail "$folder is not empty and not ours: name a new folder"
    # A clone in root's home cannot be entered by the unprivileged user; the cluster then lives in /var/tmp.
    if as_server test -x "$folder"; then
        data=$folder/data
        mkdir "$data"
    else
        data=$(mktemp -d /var/tmp/reckoner-pg.XXXXXX)
        echo "private-postgres: user $user cannot enter $folder, so the cluster is in $data" >&2
    fi
    socket=$(mktemp -d /tmp/reckoner.XXXXXX)
    chmod 0700 "$data" "$socket"
    [ "$(id -u)" -ne 0 ] || chown "$user:" "$data" "$socket"
    echo "$data" >"$folder/cluster"
    echo "$socket" >"$folder/socket"
    cd "$data"
    if [ -n "$like" ]; then
        copy_cluster
    else
        as_server "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
            ${throwaway:+--no-sync --wal-segsize=4} >"$folder/initdb.log" ||
            fail "initdb failed; see $folder/initdb.log"
    fi
    echo "local all all trust" | as_server tee "$data/pg_hba.conf" >/dev/null
    # Rows and parameters stay out of the log: they may be personal.
    as_server tee -a "$data/postgresql.conf" >/dev/null <<SETTINGS
listen_addresses = ''
port = 5432
unix_socket_directories = '$socket'
max_connections = 100
shared_buffers = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
cluster_name = 'reckoner'
SETTINGS
    [ -z "$throwaway" ] ||
        printf 'fsync = off\nfull_page_writes = off\n' | as_server tee -a "$data/postgresql.conf" >/dev/null
}

# The settings are appended again: of two the last holds.
copy_cluster() {
    [ -f "$like/cluster" ] || fail "there is no cluster in $like to be like"
    from=$(cat "$like/cluster")
    [ ! -f "$from/postmaster.pid" ] || fail "the cluster in $like is not halted"
    cp -a "$from/." "$data/"
}

# Processes that stand in the data folder: the server's, also those that outlive a killed postmaster for a moment.
left_in_data() {
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/cwd" 2>/dev/null)" = "$real_data" ]; then
            echo "${process#/proc/}"
        fi
    done
}

# A killed postmaster leaves its lock file, which PostgreSQL takes for a running server as long as process 1 has
# not collected the dead one (in a container it may never). The file goes when no process of that server is left.
remove_dead_lock() {
    [ -f "$data/postmaster.pid" ] || return 0
    ! alive "$(postmaster_pid)" || return 0
    real_data=$(readlink -f "$data")
    tries=0
    while [ -n "$(left_in_data)" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || fail "processes of the killed server in $data do not end: $(left_in_data | xargs)"
        sleep 0.1
    done
    rm -f "$data/postmaster.pid"
}

start_server() {
    cd /
    remove_dead_lock
    cd "$data"
    if [ ! -d "$socket" ]; then # /tmp was swept: the path must stay, connection strings name it
        mkdir -m 0700 "$socket"
        [ "$(id -u)" -ne 0 ] || chown "$user:" "$socket"
    fi
    tries=0
    # After a crash the old server processes may hold the shared memory for a moment.
    until as_server "$bin/pg_ctl" -D "$data" -l "$data/server.log" -s -w -t 60 start >"$folder/start.log" 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -ge 20 ]; then
            cat "$folder/start.log" >&2
            tail -n 20 "$data/server.log" >&2
            fail "the server does not start; its log is $data/server.log"
        fi
        sleep 0.5
    done
}

# Whether the server runs. A postmaster that was killed a moment ago is still there, so only one that answers counts.
answers() {
    tries=0
    while alive "$(postmaster_pid)"; do
        ! "$bin/pg_isready" -q -h "$socket" -p 5432 -t 3 || return 0
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "the server in $data is there but does not answer; its log is $data/server.log"
        sleep 0.1
    done
    return 1
}

start() {
    [ -x "$bin/initdb" ] || fail "no $bin/initdb: run deploy/dependencies.sh run"
    if [ -f "$folder/cluster" ]; then
        load
    else
        make_cluster
    fi
    answers || start_server
    if [ "$(sql postgres -Atc "SELECT count(*) FROM pg_database WHERE datname = 'reckoner'")" = 0 ]; then
        sql postgres -f "$here/../migrations/roles.sql"
        sql postgres -c 'CREATE DATABASE reckoner OWNER reckoner_migrate'
    fi
    conninfo
}

halt() {
    if alive "$(postmaster_pid)"; then
        cd "$data"
        as_server "$bin/pg_ctl" -D "$data" -s -w -t 60 -m fast stop || fail "the server in $data does not stop"
    fi
}

stop() {
    [ -d "$folder" ] || exit 0
    if [ -f "$folder/cluster" ] && [ -f "$folder/socket" ]; then
        load
        halt
        cd /
        rm -rf "$data" "$socket"
        rm -f "$folder/cluster" "$folder/socket" "$folder/initdb.log" "$folder/start.log"
    fi
    rmdir "$folder" 2>/dev/null || :
}

crash() {
    load
    pid=$(postmaster_pid)
    alive "$pid" || fail "no server is running in $data"
    kill -9 "$pid"
    while alive "$pid"; do
        sleep 0.05
    done
    start_server
}

restart() {
    load
    halt
    start_server
}

[ $# -ge 2 ] || usage
command=$1
folder=$(realpath -m -- "$2")
shift 2
throwaway=
like=
role=
while [ $# -gt 0 ]; do
    case $1 in
    --throwaway) throwaway=yes ;;
    --like)
        [ $# -ge 2 ] || usage
        like=$(realpath -m -- "$2")
        shift
        ;;
    *) role=$1 ;;
    esac
    shift
done

case $command in
start) start ;;
conninfo)
    load
    conninfo "$role"
    ;;
restart) restart ;;
crash) crash ;;
halt)
    load
    halt
    ;;
stop) stop ;;
*) usage ;;
esac
