#!/usr/bin/env bash
# Installs the Debian 12 packages that this project needs and that are not there yet, and says so.
#
#   tests/install_packages.sh build    what builds keryx, and dig
#   tests/install_packages.sh test     these, and what tests/run.sh runs beside it
#
# Without apt (another system) it only names what it would have installed.
set -euo pipefail

build_packages=(
    g++ meson ninja-build pkg-config
    libc-ares-dev libcli11-dev libcpp-httplib-dev libexpected-dev libfmt-dev libldns-dev libre2-dev libspdlog-dev
    libssl-dev libyaml-cpp-dev zlib1g-dev rapidjson-dev doctest-dev bind9-dnsutils
)
# ip and sysctl make the namespaces of the client tests; setarch (util-linux) runs the TSan builds.
# kubectl, jq and xz drive a real API server.
test_packages=(
    clang clang-format python3 python3-dnspython nsd
    busybox curl dnsmasq-base iproute2 jq knot-dnsutils ldnsutils knot openssl procps unbound util-linux xz-utils
)

case "${1:-}" in
    build) wanted=("${build_packages[@]}") ;;
    test)
        wanted=("${build_packages[@]}" "${test_packages[@]}")
        # Node and kubectl often come from elsewhere than Debian; whichever is found is used.
        command -v node > /dev/null || wanted+=(nodejs)
        command -v kubectl > /dev/null || wanted+=(kubernetes-client)
        ;;
    *)
        echo "usage: install_packages.sh build|test" >&2
        exit 2
        ;;
esac

if ! command -v apt-get > /dev/null; then
    echo "This is no Debian: have these packages, or what is like them: ${wanted[*]}"
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
        echo "Missing packages: ${missing[*]}. Neither root nor sudo: install them first." >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "Installing with apt-get${as_root[0]:+ (sudo)}: ${missing[*]}"

# The packages of name servers would start them on port 53; only their programs are wanted.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" > /dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
