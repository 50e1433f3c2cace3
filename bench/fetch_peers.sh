#!/usr/bin/env bash
# Unpacks the peers and the libraries they need into build/peers; installs nothing. Debian 12.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=build/peers
mkdir -p "$peers"
for package in nginx libnginx-mod-mail libnginx-mod-stream haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 \
  perdition libvanessa-adt1 libvanessa-logger0 libvanessa-socket2 libpopt0 hitch libev4; do
  [ -d "$peers/$package" ] && continue
  download=$(mktemp -d)
  chmod 755 "$download"
  (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package")
  dpkg-deb -x "$download"/"$package"_*.deb "$peers/$package.part"
  mv "$peers/$package.part" "$peers/$package"
  rm -r "$download"
done
