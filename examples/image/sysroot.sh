#!/usr/bin/env bash
# Unpacks what keryx needs of another Debian architecture into a folder, beside the system's own packages.
#
#   examples/image/sysroot.sh ARCH FOLDER    ARCH as Debian names it: arm64
#
# apt works on lists and a package state of its own, in FOLDER/apt, with this system's sources and keys. Nothing is
# installed: neither root nor `dpkg --add-architecture` is needed, and development packages that cannot
# be there for two architectures at once (Multi-Arch) do not get in each other's way.
set -euo pipefail

if [ $# -ne 2 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
fi
arch=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)

# What build_packages of tests/install_packages.sh has of libraries.
packages=(
    libc-ares-dev libcli11-dev libcpp-httplib-dev libexpected-dev libfmt-dev libldns-dev libre2-dev libseccomp-dev libssl-dev
    libyaml-cpp-dev prometheus-cpp-dev rapidjson-dev zlib1g-dev
)
# The cross compiler brings the C library to link with; libc.so of this one would lead it to the host's.
not_unpacked='^(libc6-dev|libc-dev-bin|libcrypt-dev|libnsl-dev|libtirpc-dev|linux-libc-dev|rpcsvc-proto|gcc-.*|cpp-.*|g\+\+-.*|binutils.*|perl.*|libperl.*|dpkg|tar)_'

apt=$folder/apt
mkdir -p "$apt"/{state/lists/partial,cache/archives/partial}
: > "$apt/status"
options=(
    -o "APT::Architecture=$arch" -o "APT::Architectures::=$arch" -o "APT::Install-Recommends=false"
    -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o "APT::Sandbox::User=" -o "Acquire::Languages=none" -o "Debug::NoLocking=true"
)
apt-get "${options[@]}" update -qq
apt-get "${options[@]}" install -qq -y --download-only "${packages[@]}" > "$apt/log" || {
    cat "$apt/log" >&2
    exit 1
}

root=$folder/root
rm -rf "$root"
mkdir -p "$root"
for package in "$apt"/cache/archives/*.deb; do
    [[ $(basename "$package") =~ $not_unpacked ]] || dpkg-deb -x "$package" "$root"
done
rm -rf "$apt/cache/archives"
# Absolute links lead out of the folder: libz.so -> /lib/ARCH/libz.so.1.2.13.
find "$root" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
    ln -sfnr "$root$target" "$link"
done
echo "$root"
