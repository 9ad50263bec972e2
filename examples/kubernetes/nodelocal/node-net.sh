#!/bin/bash
# The link and the rules that lead a node's DNS to the Keryx on it (NodeLocal DNSCache).
#
#   node-net.sh link      makes the link and its addresses, and the folder of the takeover socket: before Keryx starts
#   node-net.sh rules     until SIGTERM: keeps the rules while Keryx answers, takes them away while it does not; then removes all
#   node-net.sh remove    takes all of it away, whoever made it
#
# LOCAL_ADDRESSES  what Keryx binds: 169.254.20.10, and the cluster IP of kube-dns where kube-proxy uses iptables or nftables
# HEALTH_PORT      of `health` (8080)
# LINK, LINK_TYPE  the link (nodelocaldns) and its type (dummy)
# BACKEND          iptables-nft, iptables-legacy or nft; by default the iptables that the kubelet and kube-proxy use, else nft
# STATE            a folder of the node that outlives the pod (/run/keryx)
# KERYX_USER       may make its takeover socket there (65532)
# INTERVAL         seconds between looks at Keryx (1)
#
# With two of them on a node, while a pod is replaced, the one whose Keryx answered last is in charge ($STATE/owner); the other
# leaves link and rules alone when it ends.
set -euo pipefail

read -ra addresses <<< "${LOCAL_ADDRESSES:?}"
link=${LINK:-nodelocaldns} link_type=${LINK_TYPE:-dummy} health_port=${HEALTH_PORT:-8080}
state=${STATE:-/run/keryx} interval=${INTERVAL:-1} me=${POD_NAME:-$HOSTNAME}.$$
table=keryx-nodelocal
skip="NodeLocal DNS Cache: skip conntrack" allow="NodeLocal DNS Cache: allow DNS traffic"

say() { echo "node-net: $*"; }

is_v6() { [[ $1 == *:* ]]; }

# Link

make_link() {
    install -d -o "${KERYX_USER:-65532}" "$state"
    ip link show dev "$link" > /dev/null 2>&1 || ip link add "$link" type "$link_type"
    ip link set "$link" up
    local address
    for address in "${addresses[@]}"; do
        if is_v6 "$address"; then
            ip address replace "$address/128" dev "$link" nodad
        else
            ip address replace "$address/32" dev "$link"
        fi
    done
}

# Rules with iptables: those of node-cache, each ahead of what is there, so that a host's firewall lets them pass.

choose_backend() {
    [ -z "${BACKEND:-}" ] || { echo "$BACKEND"; return; }
    local variant
    # The chains that the kubelet leaves for this purpose (as iptables-wrappers looks for them).
    for variant in nft legacy; do
        if "iptables-$variant-save" -t mangle 2> /dev/null | grep -Eq '^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) '; then
            echo "iptables-$variant"
            return
        fi
    done
    if iptables-nft -w -t raw -S OUTPUT > /dev/null 2>&1; then echo iptables-nft; else echo nft; fi
}

# Calls `$1 TABLE CHAIN MATCHES ...` for each rule of address $2.
each_rule() {
    local call=$1 address=$2 protocol
    for protocol in udp tcp; do
        "$call" raw PREROUTING -p "$protocol" -d "$address" --dport 53 -m comment --comment "$skip" -j NOTRACK
        "$call" filter INPUT -p "$protocol" -d "$address" --dport 53 -m comment --comment "$allow" -j ACCEPT
        "$call" raw OUTPUT -p "$protocol" -s "$address" --sport 53 -m comment --comment "$skip" -j NOTRACK
        "$call" filter OUTPUT -p "$protocol" -s "$address" --sport 53 -m comment --comment "$allow" -j ACCEPT
        "$call" raw OUTPUT -p "$protocol" -d "$address" --dport 53 -m comment --comment "$skip" -j NOTRACK
    done
    "$call" raw OUTPUT -p tcp -d "$address" --dport "$health_port" -m comment --comment "$skip" -j NOTRACK
    "$call" raw OUTPUT -p tcp -s "$address" --sport "$health_port" -m comment --comment "$skip" -j NOTRACK
}

has_rule() { local in=$1 chain=$2; shift 2; "$tool" -w -t "$in" -C "$chain" "$@" 2> /dev/null; }
put_rule() { has_rule "$@" || { local in=$1 chain=$2; shift 2; "$tool" -w -t "$in" -I "$chain" 1 "$@"; }; }
drop_rule() { while has_rule "$@"; do local in=$1 chain=$2; "$tool" -w -t "$in" -D "$chain" "${@:3}"; done; }

# Rules with nft alone: a table of our own, put and taken at once. Where the host has a firewall, it must itself let port 53 of these
# addresses pass: an accept of ours does not end its chains.
nft_rules() {
    local address family
    echo "table inet $table {"
    echo "    chain prerouting {"
    echo "        type filter hook prerouting priority raw;"
    for address in "${addresses[@]}"; do
        if is_v6 "$address"; then family=ip6; else family=ip; fi
        echo "        $family daddr $address meta l4proto { tcp, udp } th dport 53 notrack"
    done
    echo "    }"
    echo "    chain output {"
    echo "        type filter hook output priority raw;"
    for address in "${addresses[@]}"; do
        if is_v6 "$address"; then family=ip6; else family=ip; fi
        echo "        $family saddr $address meta l4proto { tcp, udp } th sport 53 notrack"
        echo "        $family daddr $address meta l4proto { tcp, udp } th dport 53 notrack"
        echo "        $family saddr $address tcp sport $health_port notrack"
        echo "        $family daddr $address tcp dport $health_port notrack"
    done
    echo "    }"
    echo "}"
}

all_rules() {
    local address
    for address in "${addresses[@]}"; do
        tool=$backend
        if is_v6 "$address"; then tool=${backend/iptables/ip6tables}; fi
        each_rule "$1" "$address"
    done
}

put_rules() {
    if [ "$backend" != nft ]; then
        all_rules put_rule
    elif ! nft list table inet "$table" > /dev/null 2>&1; then
        nft_rules | nft -f -
    fi
}

drop_rules() {
    if [ "$backend" != nft ]; then
        all_rules drop_rule
    elif nft list table inet "$table" > /dev/null 2>&1; then
        nft delete table inet "$table"
    fi
}

# In charge

# One at a time on the node, so that none removes what another has just put.
locked() {
    local status=0
    exec 9> "$state/lock"
    flock 9
    "$@" || status=$?
    exec 9>&-
    return $status
}

is_owner() { [ ! -e "$state/owner" ] || [ "$(< "$state/owner")" = "$me" ]; }

take_charge() {
    echo "$me" > "$state/owner"
    put_rules
}

if_owner() { is_owner && "$@"; }

# Whether Keryx answers: any reply to a request of opcode STATUS, which it refuses (NOTIMP) without asking anyone.
answers() {
    (
        exec 3<> "/dev/udp/${addresses[0]}/53"
        printf 'KX\x10\0\0\0\0\0\0\0\0\0' >&3
        [ "$(timeout 1 head -c 2 <&3)" = KX ]
    ) 2> /dev/null
}

pause() {
    sleep "$interval" &
    wait $! || true
}

# Nobody asks the link's addresses once the rules are gone, but for those that only Keryx has; it goes when Keryx is gone.
leave() {
    trap - TERM INT
    if locked if_owner drop_rules; then
        say "rules removed; waiting for Keryx to end"
        local tries=0
        while answers && is_owner && [ $((tries += 1)) -lt 20 ]; do sleep "$interval"; done
        locked if_owner remove_link && say "link removed"
    else
        say "another pod is in charge: link and rules stay"
    fi
    exit 0
}

remove_link() {
    rm -f "$state/owner"
    ip link del "$link" 2> /dev/null || true
}

keep_rules() {
    local captured=unknown misses=0 ticks=0
    trap leave TERM INT
    say "with $backend, once ${addresses[0]} answers"
    while true; do
        if answers; then
            misses=0
            if [ "$captured" != yes ]; then
                locked take_charge
                captured=yes ticks=0
                say "Keryx answers: rules for ${addresses[*]}"
            elif [ $((ticks += 1)) -ge 60 ]; then
                locked if_owner put_rules || true  # whoever flushed them
                ticks=0
            fi
        elif [ $((misses += 1)) -ge 3 ] && [ "$captured" != no ]; then
            locked drop_rules  # what a killed predecessor left, too
            captured=no
            say "Keryx does not answer: no rules; queries to the cluster IP go to the pods behind it"
        fi
        pause
    done
}

backend=$(choose_backend)
case "${1:-}" in
    link) make_link ;;
    rules) keep_rules ;;
    remove)
        drop_rules
        remove_link
        ;;
    *)
        sed -n '2,21s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
esac
