#!/usr/bin/env bash
# Soaks keryx: everything at once for so many minutes, every answer checked (soak.py says more).
#
#   tests/soak/run.sh 30                  half an hour; 0.5 is what tests/run.sh has
#   tests/soak/run.sh 2 --binary build-asan/server/keryx --slack 5 --rate 1000 --hostile-rate 500
#   KERYX_SEED=1234 tests/soak/run.sh 5   the same choices again
#
# Builds build/server/keryx if no --binary is named. The last line is `N passed, N failed`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
case "${1:-}" in
    [0-9]* | .[0-9]*) ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
esac
if [[ " $* " != *" --binary"* ]]; then
    "$root/tests/install_packages.sh" build >&2
    [ -f "$root/build/build.ninja" ] || meson setup "$root/build" "$root" --buildtype=release >&2
    ninja -C "$root/build" server/keryx >&2
fi
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
${CXX:-g++} -O2 -std=c++20 -Wall -Wextra -Wconversion -Wshadow -I "$root" -o "$tools/client" "$here"/client/*.cpp
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/soak.py" "$@" --tool "$tools/client" &
child=$!
trap 'kill "$child" 2> /dev/null || true' INT TERM
wait "$child" || { status=$?; wait "$child" 2> /dev/null || true; exit "$status"; }
