#!/bin/sh
# Layout, static analysis, house rules. `make lint` calls it with the build folder that holds the generated headers.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
status=0

# Says how the step just before it went.
ended() {
    if [ "$2" -eq 0 ]; then
        echo "lint: $1: clean"
    else
        echo "lint: $1: see above"
        status=1
    fi
}

find server tests -name '*.[ch]' -print0 | xargs -0 clang-format-14 --dry-run -Werror
ended "layout (clang-format)" $?

# Of the tests, the compiler and the sanitizers are judge enough. clang-tidy finds compile_flags.txt beside the build:
# one flag per line.
{
    printf '%s\n' -std=c17 -D_GNU_SOURCE '-DRECKONER_VERSION="lint"' "-I$PWD/server" "-I$PWD/$build/gen" "-I$PWD/tests"
    pkg-config --cflags libmicrohttpd libpq jansson libsodium libcrypto zlib liblz4 check | tr -s ' ' '\n'
} >"$build/compile_flags.txt"
find server -name '*.c' -print0 |
    xargs -0 -r -n 4 -P "$(nproc)" clang-tidy-14 --quiet -p "$build" 2>/dev/null
ended "clang-tidy" $?

cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
    --suppress=missingIncludeSystem -j "$(nproc)" -D_GNU_SOURCE '-DRECKONER_VERSION="lint"' \
    -Iserver "-I$build/gen" server
ended "cppcheck" $?

find deploy tests .ci -name '*.sh' -print0 | xargs -0 shellcheck .ci/run
ended "shellcheck" $?

python3 -B tests/house/house.py . "$build"
ended "house rules" $?
exit "$status"
