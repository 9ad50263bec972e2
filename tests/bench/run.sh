#!/usr/bin/env bash
# One pinned worker of keryx beside NSD and the echo, on 10,000 ClusterIP names.
#
#   tests/bench/run.sh            a table
#   tests/bench/run.sh --json     the same as JSON
#   tests/bench/run.sh --check    exit status 1 if keryx is worse than NSD
#   tests/bench/run.sh forward    forwarding and cache hits, beside dnsmasq and Unbound
#
# More options: tests/bench/run.py --help, tests/bench/forward.py --help. Needs two CPUs, and nothing else running on them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$(dirname "$here")")
"$root/tests/install_packages.sh" test >&2
if [ "$(nproc)" -lt 2 ]; then
    echo "this bench needs two CPUs" >&2
    exit 1
fi

script=run.py
if [ "${1:-}" = forward ]; then
    script=forward.py
    shift
fi
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
for tool in echo load; do
    g++ -O2 -std=c++20 -Wall -Wextra -Wconversion -Wshadow -o "$tools/$tool" "$here/$tool.cpp"
done
cd "$root"
[ -f build/build.ninja ] || meson setup build --buildtype=release >&2
ninja -C build server/keryx >&2
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/$script" --tools "$tools" "$@"
