#!/usr/bin/env bash
# Micro-benchmarks: parsing, look-up, writing, the pipeline, applying a change, decoding.
#
#   tests/bench/micro.sh [OPTIONS OF GOOGLE BENCHMARK]     such as --benchmark_filter=parse
#
# Times are this machine's at this moment; what a change costs for sure, instructions/count.py says.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
tests/install_packages.sh bench >&2
if [ -f build/build.ninja ]; then
    meson configure build -Dtests=true -Dbench=true >&2
else
    meson setup build --buildtype=release -Dbench=true >&2
fi
ninja -C build tests/bench/micro/micro >&2
exec build/tests/bench/micro/micro "$@"
