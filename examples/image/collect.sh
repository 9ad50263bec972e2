#!/usr/bin/env bash
# Gathers the files of the image: the stripped binary, the dynamic loader and the shared libraries that it names.
#
#   examples/image/collect.sh BINARY SYSTEM FOLDER
#
# SYSTEM is the root of the Debian system whose libraries it was linked with: `/`, or what sysroot.sh made.
# Nothing of the binary is run, so it may be of another architecture. Needs the right to set a file capability: root,
# or root in a user namespace (`buildah unshare`). FOLDER is emptied first.
set -euo pipefail

if [ $# -ne 3 ]; then
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
fi
binary=$1 system=${2%/} folder=$3

case "$(LC_ALL=C readelf -h "$binary" | sed -n 's/^ *Machine: *//p')" in
    *X86-64) triplet=x86_64-linux-gnu ;;
    AArch64) triplet=aarch64-linux-gnu ;;
    *)
        echo "$binary: neither amd64 nor arm64" >&2
        exit 1
        ;;
esac

# Shared libraries that an ELF file names, one a line.
needed() {
    LC_ALL=C readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'
}

find_library() {
    local place
    for place in "lib/$triplet" "usr/lib/$triplet" lib usr/lib; do
        if [ -e "$system/$place/$1" ]; then
            echo "$system/$place/$1"
            return 0
        fi
    done
    echo "$1: not found below ${system:-/}" >&2
    return 1
}

rm -rf "$folder"
install -d -m 755 "$folder" "$folder/etc" "$folder/lib/$triplet"
"$triplet-strip" -o "$folder/keryx" "$binary"
chmod 755 "$folder/keryx"

loader=$(LC_ALL=C readelf -l "$binary" | sed -n 's/.*Requesting program interpreter: \(.*\)\]$/\1/p')
install -D -m 755 "$system$loader" "$folder$loader"

# Debian's loader looks into lib/TRIPLET without a cache or a configuration.
mapfile -t queue < <(needed "$binary")
while [ ${#queue[@]} -gt 0 ]; do
    name=${queue[0]}
    queue=("${queue[@]:1}")
    if [ -e "$folder/lib/$triplet/$name" ] || [ "$name" = "${loader##*/}" ]; then
        continue
    fi
    library=$(find_library "$name")
    install -m 644 "$library" "$folder/lib/$triplet/$name"
    mapfile -t -O ${#queue[@]} queue < <(needed "$library")
done

# For deployments that name the command, as CoreDNS's image has it.
ln -s keryx "$folder/coredns"
# glibc would ask DNS before /etc/hosts, and only the latter has what the kubelet writes (hostAliases).
echo 'hosts: files dns' > "$folder/etc/nsswitch.conf"
chmod 644 "$folder/etc/nsswitch.conf"

# Permitted, not effective: with the effective bit execve(2) fails wherever the container is not granted the capability.
setcap cap_net_bind_service=p "$folder/keryx"
