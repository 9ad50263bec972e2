#!/usr/bin/env bash
# Runs the fuzzers; the last line is `N passed, N failed`, a target each.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]    each target for so long, KERYX_FUZZ_JOBS (by default as many
#                                            as there are CPUs) at once
#
# Builds build-fuzz/ (clang++, ASan, UBSan, coverage) unless KERYX_FUZZ_BUILD names a build that was set up
# with -Dfuzz=true. What is new goes to corpus/TARGET in that build, and is where the next run begins, beside
# tests/fuzz/corpus; what makes a target fail goes to findings/. Keep a finding, once it is mended, and
# what a long run has learnt:
#
#   cp build-fuzz/findings/TARGET-crash-... tests/fuzz/corpus/TARGET/NAME
#   build-fuzz/tests/fuzz/fuzz TARGET -merge=1 tests/fuzz/corpus/TARGET build-fuzz/corpus/TARGET
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
if ! [[ ${1:-} =~ ^[0-9]+$ ]]; then
    sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
fi
seconds=$1
shift

build=${KERYX_FUZZ_BUILD:-}
if [ -z "$build" ]; then
    tests/install_packages.sh test
    build=build-fuzz
    if [ ! -f "$build/build.ninja" ]; then
        CXX=clang++ meson setup "$build" --buildtype=debug -Doptimization=1 -Dfuzz=true \
            -Db_sanitize=address,undefined \
            -Dcpp_args="-g1 -fsanitize-ignorelist=$root/tests/sanitizer_ignorelist.txt"
    fi
    ninja -C "$build" tests/fuzz/fuzz
fi
fuzz=$build/tests/fuzz/fuzz
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <("$fuzz" --list)

export ASAN_OPTIONS=detect_stack_use_after_return=0:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
mkdir -p "$build/findings"

# run_target TARGET: its log, then one line of what came of it.
run_target() {
    local target=$1 log=$build/findings/$1.log status=0 options=()
    mkdir -p "$build/corpus/$target"
    [ ! -f "tests/fuzz/dictionaries/$target.dict" ] || options+=("-dict=tests/fuzz/dictionaries/$target.dict")
    "$fuzz" "$target" "-max_total_time=$seconds" -timeout=25 -rss_limit_mb=2048 -max_len=8192 \
        -print_final_stats=1 "-artifact_prefix=$build/findings/$target-" "${options[@]}" \
        "$build/corpus/$target" "tests/fuzz/corpus/$target" > "$log" 2>&1 < /dev/null || status=$?
    local inputs cover
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    cover=$(sed -n 's/.*\(cov: [0-9]* ft: [0-9]*\) corp: \([0-9]*\).*/\1 corpus: \2/p' "$log" | tail -n 1)
    if [ "$status" -eq 0 ]; then
        echo "ok $target: ${inputs:-?} inputs, $cover"
    else
        echo "FAIL $target: status $status after ${inputs:-?} inputs, $cover"
        grep -vE '^(#[0-9]|\s*NEW_FUNC|INFO|stat::|Dictionary|0x)' "$log" | cut -c -200 | head -n 40 || true
    fi
}

started=$SECONDS
passed=0 failed=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for target in "${targets[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "${KERYX_FUZZ_JOBS:-$(nproc)}" ]; do
        wait -n || true
    done
    run_target "$target" > "$results/$target" &
done
wait
for target in "${targets[@]}"; do
    cat "$results/$target"
    if grep -q "^ok $target" "$results/$target"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "   ${#targets[@]} fuzzers: $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
