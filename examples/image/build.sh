#!/usr/bin/env bash
# Builds the container image with buildah: nothing in it but keryx and its shared libraries.
#
#   examples/image/build.sh                       for this machine, as keryx:VERSION
#     --arch amd64|arm64|all                      other than this machine's; all: one manifest of both
#     --tag NAME:TAG                              another name
#     --binary FILE                               of this machine: not built again (no check that it is a release build)
#     --work FOLDER                               builds, and arm64 packages as they were (default: build-image/)
#     --save FILE                                 also as an OCI archive
#
# Debian 12. Packages: tests/install_packages.sh image, or image-arm64 to cross-build as well. As another user than
# root it runs itself in `buildah unshare`.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=$(sed -n "s/^ *version: '\([0-9.]*\)',.*/\1/p" "$root/meson.build" | head -n 1)
machine=$(dpkg --print-architecture)
arch=$machine tag=keryx:$version binary='' work=$root/build-image save=''

usage() {
    sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
}
arguments=("$@")
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case "$1" in
        --arch) arch=$2 ;;
        --tag) tag=$2 ;;
        --binary) binary=$(realpath "$2") ;;
        --work) work=$2 ;;
        --save) save=$2 ;;
        *) usage ;;
    esac
    shift 2
done
case "$arch" in
    amd64 | arm64) archs=("$arch") ;;
    all) archs=(amd64 arm64) ;;
    *) usage ;;
esac
command -v buildah > /dev/null || { echo "buildah is missing: tests/install_packages.sh image" >&2 && exit 1; }
if [ "$(id -u)" -ne 0 ]; then
    exec buildah unshare "${BASH_SOURCE[0]}" "${arguments[@]}"
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)

# compile ARCH: $work/ARCH/server/keryx. As many jobs as ninja likes, or KERYX_JOBS.
compile() {
    local options=(--buildtype=release -Dtests=false) sysroot=$work/sysroot-$1
    if [ "$1" != "$machine" ]; then
        [ "$1" = arm64 ] || { echo "$1 can be built on $1 only" >&2 && exit 1; }
        if ! [ "$sysroot/sysroot.ini" -nt "$here/sysroot.sh" ]; then
            "$here/sysroot.sh" "$1" "$sysroot"
            printf "[constants]\nsysroot = '%s'\n" "$sysroot/root" > "$sysroot/sysroot.ini"
        fi
        options+=(--cross-file "$sysroot/sysroot.ini" --cross-file "$here/$1.ini")
    fi
    [ -f "$work/$1/build.ninja" ] || meson setup "$work/$1" "$root" "${options[@]}"
    ninja -C "$work/$1" ${KERYX_JOBS:+-j"$KERYX_JOBS"} server/keryx
}

# image ARCH: prints the id of the image.
image() {
    local container system=/
    [ "$1" = "$machine" ] || system=$work/sysroot-$1/root
    if [ -n "$binary" ] && [ "$1" = "$machine" ]; then
        "$here/collect.sh" "$binary" "$system" "$work/files-$1"
    else
        compile "$1" >&2
        "$here/collect.sh" "$work/$1/server/keryx" "$system" "$work/files-$1"
    fi
    container=$(buildah from --arch "$1" scratch)
    buildah copy -q --chown 0:0 "$container" "$work/files-$1" / > /dev/null
    buildah config --os linux --arch "$1" --user 65532:65532 --workingdir / --entrypoint '["/keryx"]' \
        --port 53/udp --port 53/tcp \
        --label org.opencontainers.image.title=keryx \
        --label org.opencontainers.image.description="The DNS server of a Kubernetes cluster" \
        --label org.opencontainers.image.version="$version" \
        --label org.opencontainers.image.licenses=Apache-2.0 \
        "$container" > /dev/null
    buildah commit -q --rm --timestamp "$built" "$container"
    echo "$1: $(du -sb --apparent-size "$work/files-$1" | cut -f1) octets in the image" >&2
}

# The time of the sources, so that the same sources give the same image.
built=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2> /dev/null || date +%s)}
images=()
for each in "${archs[@]}"; do
    id=$(image "$each")
    buildah tag "$id" "$tag-$each"
    images+=("$id")
done
if [ "$arch" = all ]; then
    # A manifest is made under its name, which only `tag` takes away from another image, and `rmi` from this one.
    buildah tag "${images[0]}" "$tag"
    buildah rmi "$tag" > /dev/null
    buildah manifest create "$tag" > /dev/null
    for each in "${images[@]}"; do
        buildah manifest add "$tag" "$each" > /dev/null
    done
else
    buildah tag "${images[0]}" "$tag"
fi
if [ -n "$save" ]; then
    rm -f "$save"
    if [ "$arch" = all ]; then
        buildah manifest push -q --all "$tag" "oci-archive:$save:$tag"
    else
        buildah push -q "$tag" "oci-archive:$save:$tag"
    fi
fi
echo "$tag"
