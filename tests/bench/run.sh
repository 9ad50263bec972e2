#!/usr/bin/env bash
# Speed and size of keryx beside the echo, NSD, Knot, Unbound and dnsmasq, with what each is to reach.
#
#   tests/bench/run.sh                    every case, in 20 rounds of a second: some 20 minutes
#   tests/bench/run.sh clusterip mix      these cases only
#   tests/bench/run.sh --json FILE        the figures as JSON, too
#
# More options and the names of the cases: tests/bench/run.sh --help. Needs two CPUs, and nothing else
# running on them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
if [ "$(nproc)" -lt 2 ]; then
    echo "this bench needs two CPUs" >&2
    exit 1
fi
"$root/tests/install_packages.sh" bench >&2

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
compile() {
    local out=$1
    shift
    ${CXX:-g++} -O2 -std=c++20 -Wall -Wextra -Wconversion -Wshadow -pthread -I "$root" -o "$tools/$out" "$@"
}
compile echo "$here/echo.cpp"
compile load "$here"/load/*.cpp
[ -f "$root/build/build.ninja" ] || meson setup "$root/build" "$root" --buildtype=release >&2
ninja -C "$root/build" server/keryx >&2
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/run.py" --tools "$tools" "$@"
