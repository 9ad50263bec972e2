#!/usr/bin/env bash
# Builds keryx and serves examples/kubia on 127.0.0.1:1053 until Ctrl-C.
#
#   examples/quickstart.sh            prints the queries to try
#   examples/quickstart.sh --check    asks all of examples/kubia/expected.txt itself: a line per
#                                     query, exit status 0 if every answer is right, else 1
#
# KERYX_PORT   another port than 1053
# Installs what is missing with apt (sudo if not root). The build goes to build/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
port=${KERYX_PORT:-1053}
check=no
case "${1:-}" in
    "") ;;
    --check) check=yes ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
esac
if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
    echo "KERYX_PORT is '$port', not a port" >&2
    exit 1
fi

build() {
    "$root/tests/install_packages.sh" build
    cd "$root"
    # A build that was interrupted while it was set up has no build.ninja.
    [ -f build/build.ninja ] || meson setup build --buildtype=release > /dev/null
    ninja -C build server/keryx
    cd - > /dev/null
}

# The Corefile as it is, unless /etc/resolv.conf names no server, which `forward` refuses: then a
# copy whose forward leads to a closed port, so that names outside the cluster are SERVFAIL.
choose_corefile() {
    corefile=$here/kubia/Corefile
    if ! grep -Eqs '^[[:space:]]*nameserver[[:space:]]+[^[:space:]]' /etc/resolv.conf; then
        cp -r "$here/kubia" "$work/kubia"
        corefile=$work/kubia/Corefile
        sed -i 's#^\( *forward \. \)/etc/resolv\.conf#\1127.0.0.1:9#' "$corefile"
        echo "/etc/resolv.conf names no server: only names of the cluster can be answered."
    fi
}

start() {
    "$root/build/server/keryx" -conf "$corefile" -dns.port "$port" > "$work/log" 2>&1 &
    server=$!
    # Ready once it says where it listens; a start that fails says why and ends.
    for ((tries = 0; tries < 200; tries++)); do
        if grep -q '^listening dns://' "$work/log"; then
            return 0
        fi
        kill -0 "$server" 2> /dev/null || break
        sleep 0.05
    done
    cat "$work/log" >&2
    echo "keryx did not start on 127.0.0.1:$port (KERYX_PORT=... takes another port)" >&2
    return 1
}

stop() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "${server:-}" ]; then
        kill "$server" 2> /dev/null || true
        wait "$server" 2> /dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}

# Prints "RCODE ANSWER; ANSWER" for a query, with the answers sorted.
ask() {
    local reply
    reply=$(dig @127.0.0.1 -p "$port" +noall +comments +answer +tries=2 +time=3 \
        -q "$1" -t "$2" 2>&1) || true
    local rcode answers
    rcode=$(sed -n 's/^;; ->>HEADER<<-.*status: \([A-Z0-9]*\),.*/\1/p' <<< "$reply" | head -n 1)
    answers=$(awk '/^[^;]/ && NF >= 5 && $3 == "IN" {
        if ($4 == "SOA") $7 = "SERIAL"
        line = $4
        for (i = 5; i <= NF; i++) line = line " " $i
        print line
    }' <<< "$reply" | join_sorted)
    echo "${rcode:-no reply} ${answers:--}"
}

join_sorted() {
    LC_ALL=C sort | awk 'NR > 1 { printf "; " } { printf "%s", $0 }'
}

check_all() {
    local passed=0 failed=0 qname qtype rcode answers want got
    while read -r qname qtype rcode answers; do
        case "$qname" in "" | "#"*) continue ;; esac
        want="$rcode $(join_sorted <<< "${answers//; /$'\n'}")"
        got=$(ask "$qname" "$qtype")
        if [ "$got" = "$want" ]; then
            echo "ok   $qname $qtype: $got"
            passed=$((passed + 1))
        else
            printf 'FAIL %s %s\n       want %s\n       got  %s\n' "$qname" "$qtype" "$want" "$got"
            failed=$((failed + 1))
        fi
    done < "$here/kubia/expected.txt"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

print_queries() {
    cat << TEXT

keryx serves examples/kubia on 127.0.0.1:$port (UDP and TCP) until Ctrl-C. Try:

  dig @127.0.0.1 -p $port kubia.default.svc.cluster.local
  dig @127.0.0.1 -p $port +search +domain=default.svc.cluster.local kubia
  dig @127.0.0.1 -p $port +short kubia-headless.default.svc.cluster.local
  dig @127.0.0.1 -p $port +short kubia-headless-all.default.svc.cluster.local
  dig @127.0.0.1 -p $port +short _http-default._tcp.kubia.default.svc.cluster.local SRV
  dig @127.0.0.1 -p $port +short external-service-externalname.default.svc.cluster.local CNAME
  dig @127.0.0.1 -p $port +short -x 10.66.13.240
  dig @127.0.0.1 -p $port nope.default.svc.cluster.local

examples/kubia/README.md tells what comes back and why.
TEXT
}

build
work=$(mktemp -d)
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
choose_corefile
start
if [ "$check" = yes ]; then
    check_all
else
    print_queries
    tail -n +1 -f --pid="$server" "$work/log" &
    wait "$server"
fi
