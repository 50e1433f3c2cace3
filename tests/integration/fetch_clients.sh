#!/usr/bin/env bash
# Unpacks into build/clients what tests use and Debian has no package of, from npm's registry: a mail client's library,
# and a judge of how accessible a web page is.
set -euo pipefail
cd "$(dirname "$0")/../.."
clients=build/clients

# unpack PACKAGE VERSION INTEGRITY
unpack() {
  local package=$1 version=$2 integrity=$3 download got
  [ -d "$clients/$package" ] && return
  if ! command -v npm >/dev/null; then
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends npm >/dev/null
  fi
  download=$(mktemp -d)
  npm pack --loglevel=error --pack-destination "$download" "$package@$version" >/dev/null
  got=sha512-$(openssl dgst -sha512 -binary "$download/$package-$version.tgz" | openssl base64 -A)
  if [ "$got" != "$integrity" ]; then
    rm -r "$download"
    echo "$package $version is not what it was: $got" >&2
    exit 1
  fi
  mkdir -p "$clients"
  tar -xzf "$download/$package-$version.tgz" -C "$download"
  mv "$download/package" "$clients/$package"
  rm -r "$download"
}

# Debian 12's Node.js is 18, and newer ones of this library ask for 20.
unpack node-pop3 0.9.1 sha512-HYSHfNWb91tEao67sKOKurHihOoWjf78oGMRjaXXEebLGfTA/bTjmF1E5Vl9H4i4UEYiZDEwHvm/l0Q3Hg1rGA==
unpack axe-core 4.10.3 sha512-Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg==
