#!/usr/bin/env bash
# Lays the file tree of the container image out: image_root.sh BINARY FOLDER [ROOT]
# The binary, the shared libraries that it needs, CA certificates, an unprivileged user: nothing else, no shell.
# ROOT, by default /: the Debian that libraries and certificates are taken from.
set -euo pipefail

if [ "$#" -lt 2 ]; then
  sed -n '2,4s/^# //p' "$0" >&2
  exit 2
fi
binary=$1 folder=$2 root=${3:-/}
umask 022
mkdir -p "$folder"/{etc/poplar,etc/ssl/certs,usr/bin,usr/lib,usr/lib64}
# As Debian has them: the loader's path is /lib64/...
ln -s usr/lib "$folder/lib"
ln -s usr/lib64 "$folder/lib64"

install -m 755 "$binary" "$folder/usr/bin/poplar"

# The loader lists what it would load, with what stands in root and nothing else of this machine.
install -D -m 755 "$binary" "$root/tmp/poplar"
mapfile -t libraries < <(chroot "$root" /lib64/ld-linux-x86-64.so.2 --list /tmp/poplar |
  awk '$3 ~ /^\// {print $3} $1 ~ /^\// {print $1}')
rm "$root/tmp/poplar"
for library in "${libraries[@]}"; do
  path=$library
  case $path in /lib/* | /lib64/*) path=/usr$path ;; esac
  source=$root$path
  [ -e "$source" ] || source=$root$library
  install -D -m 755 "$source" "$folder$path"
done

# The package ca-certificates makes the bundle when it is configured, which it need not have been.
if [ -s "$root/etc/ssl/certs/ca-certificates.crt" ]; then
  install -m 644 "$root/etc/ssl/certs/ca-certificates.crt" "$folder/etc/ssl/certs/"
else
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$folder/etc/ssl/certs/ca-certificates.crt"
fi

echo "poplar:x:65532:65532:Poplar:/:/usr/sbin/nologin" >"$folder/etc/passwd"
echo "poplar:x:65532:" >"$folder/etc/group"
echo "hosts: files dns" >"$folder/etc/nsswitch.conf"
