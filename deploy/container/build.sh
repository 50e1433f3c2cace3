#!/usr/bin/env bash
# The image of deploy/container/Dockerfile without an engine. See --help.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# Debian's own tools.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin

usage() {
  cat <<'HELP'
usage: deploy/container/build.sh [--binary FILE] [--output FILE]

Builds the container image with buildah, as root, on a machine without Docker: libraries and certificates come from a
Debian 12 tree that mmdebstrap unpacks (from where this machine's apt gets its packages), nothing of it is executed.
Prints the image's size and name. The archive can be loaded with `docker load`, `podman load`, `skopeo copy`.

  --binary FILE   take this poplar, built on Debian 12; otherwise preset package is built
  --output FILE   the archive; default: build/container/poplar.tar
  --help          this text

Needs the packages of section [package] in deploy/packages.txt.
HELP
}

binary='' output=build/container/poplar.tar
while [ "$#" -gt 0 ]; do
  case $1 in
    --binary) binary=${2:?--binary needs a file}; shift ;;
    --output) output=${2:?--output needs a file}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || { echo "deploy/container/build.sh: unpacking a root tree takes root: sudo $0" >&2; exit 1; }

if [ -z "$binary" ]; then
  cmake --preset package
  cmake --build --preset package --target poplar
  binary=build/package/poplar
fi
mkdir -p "$(dirname "$output")"
output=$(realpath "$output")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# No engine, no daemon, no storage but here.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }

strip --strip-unneeded -o "$work/poplar" "$binary"

# The packages that own the libraries, as dpkg-shlibdeps names them: "libc6 (>= 2.36), libabsl20220623 (>= 0~2022)".
mkdir "$work/debian"
printf 'Source: poplar\n\nPackage: poplar\nArchitecture: any\n' >"$work/debian/control"
packages=$(cd "$work" && dpkg-shlibdeps -O poplar 2>/dev/null | sed 's/^shlibs:Depends=//; s/ ([^)]*)//g; s/, /,/g')
# As apt has them here, in one-line or deb822 form.
mapfile -t sources < <(find /etc/apt/sources.list /etc/apt/sources.list.d -name '*.list' -o -name '*.sources' 2>/dev/null)
mmdebstrap --quiet --variant=extract --include="$packages,ca-certificates" bookworm "$work/root" "${sources[@]}"
"$here/image_root.sh" "$work/poplar" "$work/image" "$work/root"

container=$(buildah from --format docker scratch)
buildah copy --quiet "$container" "$work/image" / >/dev/null
buildah config --user 65532:65532 --port 10995 --port 9995 --stop-signal SIGTERM \
  --entrypoint '["/usr/bin/poplar"]' --cmd serve \
  --healthcheck 'CMD /usr/bin/poplar status --live' --healthcheck-interval 10s --healthcheck-timeout 3s \
  --healthcheck-retries 3 \
  --label org.opencontainers.image.title=Poplar \
  --label org.opencontainers.image.description='POP3 proxy and load balancer' \
  --label org.opencontainers.image.licenses=Apache-2.0 "$container"
rm -f "$output"
# Docker's format: OCI's has no health check. The same input makes the same image.
buildah commit --quiet --format docker --timestamp 0 "$container" "docker-archive:$output:localhost/poplar:latest" >/dev/null

printf '%s: %d files, %s on disk, %s as archive\n' "$output" \
  "$(find "$work/image" -type f | wc -l)" "$(du -sh --apparent-size "$work/image" | cut -f1)" "$(du -h "$output" | cut -f1)"
