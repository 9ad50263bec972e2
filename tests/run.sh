#!/usr/bin/env bash
# Builds and runs every test; the last line is `N passed, N failed` (`, N skipped` may follow).
#
#   tests/run.sh            everything, in under 20 minutes on two cores
#   tests/run.sh --long     and what takes longer: more fuzzing, a longer soak, valgrind, clang-tidy, all suites with
#                           both sanitizers and with control-flow integrity, unit tests of the release build and
#                           with TSan, the arm64 image
#   tests/run.sh --fast     the release build, its unit tests, instructions per query and the integration tests only
#
# Installs what is missing with apt (sudo if not root). Builds go to build/ (release), build-asan/
# (debug, ASan and UBSan), build-tsan/ and build-cfi/ (release, by clang). KERYX_GOLDEN names the reference answers
# (by default ../shared/golden beside the checkout), KERYX_COREFILES a folder of Corefiles in use (by
# default ../shared/reference/corefiles), KERYX_CONTROL_PLANE the scripts that start a real API server (by
# default ../shared/control-plane); what needs them is skipped without.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# beside VARIABLE FOLDER: the default, if it is there; a folder that was named has to be there.
beside() {
    if [ -z "${!1:-}" ] && [ -d "$root/../$2" ]; then
        export "$1=$(cd "$root/../$2" && pwd)"
    fi
}
beside KERYX_GOLDEN shared/golden
beside KERYX_COREFILES shared/reference/corefiles
beside KERYX_CONTROL_PLANE shared/control-plane
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="second_deadlock_stack=1 suppressions=$root/tests/tsan_suppressions.txt"
export PYTHONDONTWRITEBYTECODE=1

long=no fast=no
for argument in "$@"; do
    case "$argument" in
        --long) long=yes ;;
        --fast) fast=yes ;;
        *)
            sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 2
            ;;
    esac
done
export KERYX_LONG=$long

# Debian's interpreter: python3-dnspython belongs to it, not to another one that PATH may find.
python=/usr/bin/python3
work=$(mktemp -d)
export work
passed=0 failed=0 skipped=0
child= beside=

# Each step runs in a process group of its own, so that nothing outlives an interrupted run.
finish() {
    status=$?
    trap - EXIT INT TERM
    [ -z "$child" ] || kill -- "-$child" 2> /dev/null || true
    [ -z "$beside" ] || kill -- "-$beside" 2> /dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step NAME COMMAND...: runs it with its output shown and kept in $work/out; its exit status.
step() {
    local name=$1 started=$SECONDS status=0
    shift
    echo "== $name"
    set -m
    (
        "$@" 2>&1 < /dev/null | tee "$work/out"
        exit "${PIPESTATUS[0]}"
    ) &
    child=$!
    set +m
    wait "$child" || status=$?
    child=
    echo "== $name: $((SECONDS - started)) s"
    return "$status"
}

# One case: the command ends well or it does not.
case_of() {
    local name=$1
    shift
    if step "$name" "$@"; then
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        failed=$((failed + 1))
    fi
}

# A command whose last `N passed, N failed[, N skipped]` line says how many cases it had.
cases_of() {
    local name=$1 status=0 line
    shift
    step "$name" "$@" || status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$work/out" | tail -n 1 || true)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        [ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
    else
        echo "FAIL $name: it ended without a count (status $status)"
        failed=$((failed + 1))
    fi
}

# unit_tests BUILD NAME MESON-TEST-OPTIONS...: the doctest executables of a build, each case counted.
unit_tests() {
    local build=$1 name=$2 status=0 bad=0 line
    shift 2
    # Three at once: half of their time they wait for time-outs. What they said is in meson's log.
    rm -f "$build"/meson-logs/testlog*.txt
    step "unit tests, $name" meson test -C "$build" --no-rebuild --suite unit --print-errorlogs \
        --num-processes 3 "$@" || status=$?
    while read -r line; do
        if [[ $line =~ \|\ *([0-9]+)\ passed\ \|\ *([0-9]+)\ failed ]]; then
            passed=$((passed + BASH_REMATCH[1]))
            bad=$((bad + BASH_REMATCH[2]))
        fi
    done < <(grep -hF '[doctest] test cases:' "$build"/meson-logs/testlog*.txt)
    grep -hF 'MESSAGE: skipped' "$build"/meson-logs/testlog*.txt || true
    # An executable that dies, or a sanitizer's report after the last case, is a failure of its own.
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "FAIL unit tests, $name: status $status"
        bad=1
    fi
    failed=$((failed + bad))
}

# build COMPILER FOLDER TARGETS -- SETUP-OPTIONS: sets the folder up once, builds the targets (none: all).
build() {
    local compiler=$1 folder=$2 targets=()
    shift 2
    while [ "$1" != -- ]; do
        targets+=("$1")
        shift
    done
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        CXX=$compiler meson setup "$folder" "$@" > "$work/setup" || { cat "$work/setup" && return 1; }
    fi
    # A folder that was set up otherwise (by hand, by the quickstart) gets the options as well.
    meson configure "$folder" -Dwerror=true -Dtests=true > /dev/null || return 1
    ninja -C "$folder" "${targets[@]}"
}
export -f build

# A build that goes on beside the next steps, which mostly wait; `awaited` is its end, as a case. It gets the CPUs
# that nobody else wants: in a session of its own, since the kernel shares them out among sessions first.
build_beside() {
    rm -f "$work/beside.status"
    setsid bash -c '
        { echo 19 > /proc/self/autogroup; } 2> /dev/null
        renice -n 19 -p $$ > /dev/null
        chrt --idle --pid 0 $$ || true
        status=0
        build "$@" || status=$?
        echo "$status" > "$work/beside.status"
    ' build_beside "$@" > "$work/beside" 2>&1 < /dev/null &
    beside=$!
}
awaited() {
    while [ ! -s "$work/beside.status" ] && kill -0 "$beside" 2> /dev/null; do
        sleep 0.2
    done
    cat "$work/beside"
    [ "$(cat "$work/beside.status")" = 0 ]
}

format_check() {
    find server zones resolver k8s_client tests \( -name '*.h' -o -name '*.cpp' \) \
        -exec clang-format --dry-run -Werror {} +
}

# The templates and macros of the libraries are left out: what they say is not ours to mend.
cppcheck_sources() {
    cppcheck --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr --quiet \
        --suppress=missingIncludeSystem --suppressions-list=tests/cppcheck_suppressions.txt \
        --error-exitcode=1 -I . -j 2 k8s_client zones resolver server
}

# Each file by itself: what it does not include is an error here.
tidy_sources() {
    [ -f build-tidy/build.ninja ] ||
        CXX=g++ meson setup build-tidy --buildtype=release -Dtests=false -Dunity=off > /dev/null || return 1
    run-clang-tidy -quiet -p build-tidy -j 2 -extra-arg=-Wno-unknown-warning-option \
        "^$root/(k8s_client|zones|resolver|server)/[^/]*\.cpp\$"
}

# The suites that the builds with sanitizers run: with --long all of them, but not at length (KERYX_LONG), which is
# strict about time and the release build's.
seen_by_asan=() seen_by_tsan=()
if [ "$long" = no ]; then
    seen_by_asan=(server manifests forward cache hosts acl template rewrite hostile compliance malformed metrics tcp
        truncation log health reload restart apiserver coldstart corefiles faults_limits faults_peers ede explain status
        top page)
    seen_by_tsan=(model cache hosts loop metrics log health reload restart explain status top)
fi

# What is reachable at the end of a command is no leak.
memcheck=(valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect
    --suppressions="$root/tests/valgrind.supp")
# It has an allocator, descriptors and system calls of its own, which these count.
not_by_memcheck='*sandbox_test*,*freed_memory_test*,*tcp_admission_test*,*tcp_limits_test*'

step "packages" tests/install_packages.sh test || { echo "0 passed, 1 failed"; exit 1; }
[ "$fast" = yes ] || step "packages of the browser" tests/install_packages.sh browser || true
[ "$long" = no ] || step "packages of the arm64 image" tests/install_packages.sh image-arm64 || true

# Compiling the unit tests takes longer than running them: by default they run with sanitizers only.
if [ "$fast$long" = nono ]; then
    case_of "release build (g++, warnings are errors)" \
        build g++ build server/keryx tests/bench/instructions/instructions -- --buildtype=release
else
    case_of "release build (g++, warnings are errors)" build g++ build -- --buildtype=release
    unit_tests build "release"
fi
cases_of "instructions per query" "$python" tests/bench/instructions/count.py
cases_of "integration" "$python" tests/integration/run.py
cases_of "soak" tests/soak/run.sh 0.5 --binary build/server/keryx
if [ "$long" = yes ]; then
    for folder in zones resolver k8s_client server; do
        case_of "valgrind, unit tests of $folder" env KERYX_LONG=no "${memcheck[@]}" "build/tests/test_$folder" \
            --source-file-exclude="$not_by_memcheck"
    done
    cases_of "integration with valgrind" env KERYX_LONG=no "$python" tests/integration/run.py --quick --slack 20 \
        --under "${memcheck[*]}" server forward cache reload
fi

if [ "$fast" = no ]; then
    # Of the debug information, stack traces need the lines and the functions only (-g1).
    # By clang, for its warnings, and since it is faster at that.
    build_beside clang++ build-asan -- --buildtype=debug -Db_sanitize=address,undefined -Dfuzz=true \
        -Dcpp_args="-g1 -fsanitize-ignorelist=$root/tests/sanitizer_ignorelist.txt"
    cases_of "browser" "$python" tests/page/run.py
    case_of "layering" "$python" tests/layering_test.py
    case_of "format" format_check
    case_of "cppcheck" cppcheck_sources
    [ "$long" = no ] || case_of "clang-tidy" tidy_sources
    case_of "quickstart --check" env KERYX_PORT="$("$python" tests/integration/harness.py)" \
        examples/quickstart.sh --check

    case_of "debug build (clang++, warnings are errors; ASan, UBSan), the rest of it" awaited
    # Its threads are seen in the integration suites; compiling the unit tests for them once more takes minutes.
    threaded=()
    [ "$long" = no ] || threaded=(k8s_client server)
    build_beside clang++ build-tsan "${threaded[@]/#/tests/test_}" server/keryx -- --buildtype=debug \
        -Db_sanitize=thread -Dcpp_args=-g1
    unit_tests build-asan "ASan"
    [ "$long" = no ] || cases_of "soak with ASan" tests/soak/run.sh 2 --binary build-asan/server/keryx --slack 5 \
        --rate 1000 --hostile-rate 500
    cases_of "fuzzers" env KERYX_FUZZ_BUILD=build-asan tests/fuzz/run.sh "$([ "$long" = yes ] && echo 300 || echo 5)"
    cases_of "integration with ASan" env KERYX_LONG=no "$python" tests/integration/run.py --quick --slack 5 \
        --binary build-asan/server/keryx "${seen_by_asan[@]}"

    case_of "thread build (TSan), the rest of it" awaited
    # TSan dies where the kernel randomises 32 bits of the layout, so it is kept fixed.
    [ "$long" = no ] || unit_tests build-tsan "TSan" --wrapper "setarch -R" "${threaded[@]}"
    cases_of "integration with TSan" env KERYX_LONG=no "$python" tests/integration/run.py --quick --slack 5 \
        --under "setarch -R" --binary build-tsan/server/keryx "${seen_by_tsan[@]}"
fi

if [ "$long" = yes ]; then
    case_of "release build with control-flow integrity (clang++, lld, warnings are errors)" \
        build clang++ build-cfi server/keryx tests/cfi/wrong_calls -- --buildtype=release -Dcfi=true
    cases_of "control-flow integrity" build-cfi/tests/cfi/wrong_calls
    cases_of "integration with control-flow integrity" env KERYX_LONG=no "$python" tests/integration/run.py --quick \
        --binary build-cfi/server/keryx
fi

echo "all of it: $SECONDS s"
summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
