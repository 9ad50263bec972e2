#!/usr/bin/env bash
# Installs the Debian 12 packages that this project needs and that are not there yet, and says so.
#
#   tests/install_packages.sh build    what builds keryx, and dig
#   tests/install_packages.sh test     these, and what tests/run.sh runs beside it
#   tests/install_packages.sh bench    what builds keryx, and what tests/bench/run.sh runs beside it
#   tests/install_packages.sh image    what examples/image/build.sh needs; image-arm64: to cross-build as well;
#                                      image-files: what the Dockerfile runs, which is less
#   tests/install_packages.sh browser  what tests/page/run.py drives
#
# Without apt (another system) it only names what it would have installed.
set -euo pipefail

build_packages=(
    g++ meson ninja-build pkg-config
    libc-ares-dev libcli11-dev libcpp-httplib-dev libexpected-dev libfmt-dev libldns-dev libre2-dev
    libseccomp-dev libssl-dev libyaml-cpp-dev prometheus-cpp-dev zlib1g-dev rapidjson-dev doctest-dev bind9-dnsutils
)
# ip and sysctl make the namespaces of the client tests; setarch (util-linux) runs the TSan builds.
# lld and llvm (llvm-ar) link the build with control-flow integrity.
# kubectl, jq and xz drive a real API server. promtool (prometheus) judges the metrics. valgrind counts instructions.
test_packages=(
    clang clang-format cppcheck libclang-rt-14-dev lld llvm python3 python3-dnspython nsd
    busybox conntrack curl dnsmasq-base iproute2 iptables jq knot-dnsutils ldnsutils knot mandoc nftables openssl procps prometheus
    python3-yaml unbound util-linux valgrind xz-utils
)
bench_packages=(dnsmasq-base dnsperf knot libbenchmark-dev nsd openssl python3 unbound)
# What renders the Helm chart where helm is not installed.
chart_packages=(golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev)

# collect.sh needs setcap; buildah makes images, runc (which it brings) runs them.
image_files_packages=(binutils libcap2-bin)
image_packages=(buildah runc)
# qemu runs the other architecture's binary; g++-aarch64-linux-gnu is crossbuild-essential-arm64 without dpkg-cross.
image_arm64_packages=(g++-aarch64-linux-gnu qemu-user-static)

# The fonts: without any, a page is boxes. npm comes with nodejs where that is not Debian's.
browser_packages=(chromium fonts-dejavu-core)

case "${1:-}" in
    build) wanted=("${build_packages[@]}") ;;
    test)
        wanted=("${build_packages[@]}" "${test_packages[@]}" "${image_files_packages[@]}" "${image_packages[@]}")
        # Node and kubectl often come from elsewhere than Debian; whichever is found is used.
        command -v node > /dev/null || wanted+=(nodejs)
        command -v kubectl > /dev/null || wanted+=(kubernetes-client)
        command -v helm > /dev/null || wanted+=("${chart_packages[@]}")
        ;;
    browser)
        wanted=("${browser_packages[@]}")
        command -v node > /dev/null || wanted+=(nodejs)
        command -v npm > /dev/null || wanted+=(npm)
        ;;
    bench) wanted=("${build_packages[@]}" "${bench_packages[@]}") ;;
    image-files) wanted=("${build_packages[@]}" "${image_files_packages[@]}") ;;
    image) wanted=("${build_packages[@]}" "${image_files_packages[@]}" "${image_packages[@]}") ;;
    image-arm64)
        wanted=("${build_packages[@]}" "${image_files_packages[@]}" "${image_packages[@]}" "${image_arm64_packages[@]}")
        ;;
    *)
        echo "usage: install_packages.sh build|test|browser|bench|image|image-files|image-arm64" >&2
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

# The packages of name servers and of prometheus would start them; only their programs are wanted.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" > /dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
