#!/usr/bin/env bash
# Prints the manifests of NodeLocal DNSCache with Keryx, filled for a cluster: `fill.sh | kubectl apply -f -`.
#
#   --mode iptables|ipvs   how kube-proxy works (iptables: also for nftables). With ipvs the cluster IP of kube-dns stays
#                          kube-proxy's, and the kubelets' clusterDNS must become the local address
#   --dns-ip ADDRESS       cluster IP of kube-dns (asked of the cluster with kubectl)
#   --domain DOMAIN        cluster domain (cluster.local)
#   --local ADDRESS        address on each node (169.254.20.10; kubespray has 169.254.25.10)
#   --health-port PORT     of /health on that address (8080; kubespray has 9254)
#   --image IMAGE          Keryx (keryx:0.1.0, see examples/image)
#   --net-image IMAGE      what node-net.sh runs in (keryx-node-net:0.1.0, see image/Dockerfile)
#   --corefile             prints the filled Corefile alone
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mode=iptables dns_ip="" domain=cluster.local local_ip=169.254.20.10 health_port=8080
image=keryx:0.1.0 net_image=keryx-node-net:0.1.0 only_corefile=no

usage() {
    sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ "$1" != --corefile ] || { only_corefile=yes; shift; continue; }
    [ $# -ge 2 ] || usage
    case $1 in
        --mode) mode=$2 ;;
        --dns-ip) dns_ip=$2 ;;
        --domain) domain=$2 ;;
        --local) local_ip=$2 ;;
        --health-port) health_port=$2 ;;
        --image) image=$2 ;;
        --net-image) net_image=$2 ;;
        *) usage ;;
    esac
    shift 2
done
[[ $mode == iptables || $mode == ipvs ]] || usage
# What is filled in must not be able to be anything but itself.
for value in "$domain" "$local_ip" "$dns_ip" "$health_port" "$image" "$net_image"; do
    [[ $value =~ ^[A-Za-z0-9.:/@_-]*$ ]] || { echo "fill.sh: '$value' cannot be right" >&2; exit 1; }
done
if [ -z "$dns_ip" ]; then
    dns_ip=$(kubectl -n kube-system get service kube-dns -o 'jsonpath={.spec.clusterIP}')
fi
[ -n "$dns_ip" ] || { echo "fill.sh: no cluster IP of kube-system/kube-dns; give --dns-ip" >&2; exit 1; }

# With iptables Keryx has the address of kube-dns, and asks the pods behind it through kube-dns-upstream, whose address the kubelet
# tells each container in its environment.
if [ "$mode" = iptables ]; then
    server=" $dns_ip" upstream='{$KUBE_DNS_UPSTREAM_SERVICE_HOST}'
else
    server="" upstream=$dns_ip
fi

# A socket's address has brackets around IPv6.
case $local_ip in *:*) health="[$local_ip]" ;; *) health=$local_ip ;; esac

filled() {
    sed -e "s|health __PILLAR__LOCAL__DNS__|health $health|g" \
        -e "s| __PILLAR__DNS__SERVER__|$server|g" \
        -e "s|__PILLAR__LOCAL__DNS__|$local_ip|g" \
        -e "s|__PILLAR__DNS__DOMAIN__|$domain|g" \
        -e "s|__PILLAR__CLUSTER__DNS__|$upstream|g" \
        -e "s|__PILLAR__UPSTREAM__SERVERS__|/etc/resolv.conf|g" \
        -e "s|__PILLAR__HEALTH__PORT__|$health_port|g" \
        -e "s|image: keryx:0.1.0|image: $image|" \
        -e "s|image: keryx-node-net:0.1.0|image: $net_image|" \
        -e '1,2d' "$here/nodelocal.yaml"
}

if [ "$only_corefile" = yes ]; then
    filled | sed -n '/^  Corefile: |/,/^---/p' | sed -n 's/^    //p'
    exit 0
fi
filled
cat << END
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: node-local-dns-net
  namespace: kube-system
data:
  node-net.sh: |
END
sed 's/^\(.\)/    \1/' "$here/node-net.sh"
