#!/usr/bin/env bash
# Asks two DNS servers for the names of a cluster and prints where they differ: CoreDNS first, Keryx second.
#
#   compare.sh [OPTIONS] SERVER SERVER       each ADDRESS or ADDRESS#PORT
#
#   --domain DOMAIN   cluster domain (cluster.local)
#   --limit N         Services, endpoints and pods asked for, of each (500; 0: all)
#   --names FILE      further questions, a NAME or NAME TYPE a line (default: a few of the internet)
#   --pods            also the names of pods (where the Corefile has `pods insecure` or `verified`)
#   --tcp             over TCP, as through kubectl port-forward
#   --quiet           differences that have a known reason are only counted
#
# What is there to ask for is read with kubectl (list on services, endpoints and pods). Order and TTLs do not count, nor the serial of
# a SOA. What differs is asked again twice, so that a change in the cluster is none. Lines begin with DIFFERS, or with
# known and the reason (ARCHITECTURE.md, Deviations from CoreDNS). Exit status: 0 no difference but known ones, 1 some, 2 it could
# not ask. Needs kubectl, jq and dig.
set -euo pipefail

domain=cluster.local limit=500 names="" pods=no transport=() quiet=no servers=()

usage() {
    sed -n '2,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
        --domain | --limit | --names)
            [ $# -ge 2 ] || usage
            declare "${1#--}=$2"
            shift
            ;;
        --pods) pods=yes ;;
        --tcp) transport=(+tcp) ;;
        --quiet) quiet=yes ;;
        -*) usage ;;
        *) servers+=("$1") ;;
    esac
    shift
done
[ ${#servers[@]} -eq 2 ] || usage
for tool in kubectl jq dig; do
    command -v "$tool" > /dev/null || { echo "compare.sh: $tool is not installed" >&2; exit 2; }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Questions, "NAME TYPE" a line

readonly reverse='
def reverse_of: if test(":") then
        # An IPv6 address, its :: filled up.
        (split("::") | map(split(":") | map(select(. != "")))) as $parts
        | ($parts[0] + [range(8 - (($parts | map(length)) | add)) | "0"] + ($parts[1] // []))
        | map(("0000" + .)[-4:]) | join("") | explode | reverse | map([.] | implode) | join(".") + ".ip6.arpa"
    else split(".") | reverse | join(".") + ".in-addr.arpa" end;
def dashed: gsub("[.:]"; "-");
def some: if $limit > 0 then .[:$limit] else . end;'

questions_of_services() {
    kubectl get services --all-namespaces -o json | jq -r --arg domain "$domain" --argjson limit "$limit" "$reverse"'
        .items | some | .[]
        | "\(.metadata.name).\(.metadata.namespace).svc.\($domain)" as $name
        | (([.spec.clusterIP] + (.spec.clusterIPs // [])) | map(select(. != null and . != "" and . != "None")) | unique) as $ips
        | ($name + " A", $name + " AAAA", $name + " SRV", "_tcp.\($name) A"),
          (.spec.ports // [] | .[] | select(.name != null and .name != "")
           | "_\(.name)._\((.protocol // "TCP") | ascii_downcase).\($name) SRV"),
          ($ips[] | reverse_of + " PTR")'
}

questions_of_endpoints() {
    kubectl get endpoints --all-namespaces -o json | jq -r --arg domain "$domain" --argjson limit "$limit" "$reverse"'
        .items | some | .[] | "\(.metadata.name).\(.metadata.namespace).svc.\($domain)" as $name
        | [.subsets // [] | .[] | .addresses // [] | .[]] | some | .[]
        | "\(.hostname // (.ip | dashed)).\($name) A", (.ip | reverse_of + " PTR")'
}

questions_of_pods() {
    kubectl get pods --all-namespaces -o json | jq -r --arg domain "$domain" --argjson limit "$limit" "$reverse"'
        .items | map(select(.status.podIP)) | some | .[]
        | "\(.status.podIP | dashed).\(.metadata.namespace).pod.\($domain) \(if .status.podIP | test(":") then "AAAA" else "A" end)"'
}

questions_of_all() {
    local name
    questions_of_services && questions_of_endpoints || return 1
    [ "$pods" = no ] || questions_of_pods || return 1
    for name in "$domain SOA" "$domain NS" "$domain A" "dns-version.$domain TXT" "svc.$domain A" "default.svc.$domain A" \
        "no-such-service.default.svc.$domain A" "no-such-service.default.svc.$domain TXT" "kubernetes.no-such-namespace.svc.$domain A"; do
        echo "$name"
    done
    if [ -n "$names" ]; then
        awk 'NF && $1 !~ /^#/ { print $1, (NF > 1 ? toupper($2) : "A") }' "$names"
    else
        printf '%s\n' "example.com A" "example.com MX" "kubernetes.io A" "www.iana.org AAAA" "no-such-name.example.com A"
    fi
}

# Answers, "NAME TYPE<tab>RCODE RDATA | RDATA ..." a line

ask() {
    local address=${1%%#*} port=53
    [ "$address" = "$1" ] || port=${1##*#}
    # A question that gets no answer leaves no header: it is "no answer".
    { dig "@$address" -p "$port" "${transport[@]}" +noall +comments +question +answer +tries=3 +time=2 +nocookie -f "$2" 2> /dev/null || true; } |
        awk '
            function flush(   i, all) {
                if (question == "" || status == "") { question = status = ""; count = 0; return }
                all = ""
                for (i = 1; i <= count; i++) all = all (i > 1 ? " | " : " ") found[i]
                print question "\t" status all
                question = status = ""; count = 0
            }
            /status: /  { flush(); status = $0; sub(/.*status: /, "", status); sub(/,.*/, "", status) }
            /^;[^;]/    { name = tolower(substr($1, 2)); sub(/\.$/, "", name); question = name " " $3 }
            /^[^;]/ && NF > 4 {
                line = tolower($1) " " $4; for (i = 5; i <= NF; i++) line = line " " ($4 == "SOA" && i == 7 ? "-" : tolower($i))
                # In order, whatever order they came in.
                for (i = ++count; i > 1 && found[i - 1] > line; i--) found[i] = found[i - 1]
                found[i] = line
            }
            END { flush() }' | sort -u > "$3.some"
    # dig prints nothing of what got no answer; each question has its line.
    awk -F'\t' 'FILENAME == ARGV[1] { seen[$1] = $0; next } { print (($0 in seen) ? seen[$0] : $0 "\tno answer") }' "$3.some" "$2" > "$3"
}

differences() {
    ask "${servers[0]}" "$1" "$work/a" &
    ask "${servers[1]}" "$1" "$work/b"
    wait
    paste -d'\t' "$work/a" "$work/b" | awk -F'\t' '$2 != $4'
}

# The CNAME that $1 has in the answer $2, if any.
cname_in() { grep -o "$1\. CNAME [^ |]*" <<< "$2" || true; }

# Why a difference is meant: by the question, and what each said. Nothing, if no reason is known.
reason() {
    local name=${1% *} type=${1##* } first=$2 second=$3 theirs ours
    theirs=$(cname_in "$name" "$first") ours=$(cname_in "$name" "$second")
    if [[ $name != *".$domain" && $name != "$domain" && $name != *.arpa ]]; then
        echo "outside the cluster: upstreams may answer differently each time"
    elif [ "$type $name" = "NS $domain" ]; then
        echo "NS of the apex: ns.dns.$domain, the same from every replica"
    elif [ "$first / $second" = "NXDOMAIN / NOERROR" ] && [[ $name == _* || $name == dns.* || $name == *.arpa || $type == TXT || $type == SOA ]]; then
        echo "empty non-terminals exist, and a name exists or not whatever type is asked (RFC 8020)"
    elif [ "$first / $second" = "NOERROR / NXDOMAIN" ] && [[ $type == TXT || $type == SOA ]]; then
        echo "a name exists or not whatever type is asked (RFC 8020)"
    elif [ -n "$ours" ] && [[ $theirs == "$ours" || $first != *" "* ]]; then
        echo "ExternalName: a CNAME for every type, and the rcode of its target (RFC 6604)"
    fi
}

printf '%s\n' "$domain SOA" > "$work/probe"
for server in "${servers[@]}"; do
    ask "$server" "$work/probe" "$work/a"
    ! grep -q 'no answer$' "$work/a" || { echo "compare.sh: $server does not answer" >&2; exit 2; }
done
questions_of_all > "$work/all" || { echo "compare.sh: the cluster could not be read" >&2; exit 2; }
awk '{ $1 = tolower($1); sub(/\.$/, "", $1) } !seen[$0]++' "$work/all" > "$work/asked"

cp "$work/asked" "$work/again"
for _ in first second third; do
    differences "$work/again" > "$work/differ"
    [ -s "$work/differ" ] || break
    cut -f1 "$work/differ" > "$work/again"
    sleep 1
done
known=0 unknown=0
while IFS=$'\t' read -r question first _ second; do
    why=$(reason "$question" "$first" "$second")
    if [ -n "$why" ]; then
        known=$((known + 1))
        [ "$quiet" = yes ] || echo "known   $question: $first / $second ($why)"
    else
        unknown=$((unknown + 1))
        echo "DIFFERS $question: $first / $second"
    fi
done < "$work/differ"
echo "$(wc -l < "$work/asked") questions, $unknown differences, $known more with a known reason"
[ "$unknown" -eq 0 ]
