#!/usr/bin/env bash
# Unpacks the servers whose packages conflict with dovecot-pop3d into build/servers; installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
servers=build/servers
mkdir -p "$servers"
for package in popa3d mailutils-pop3d; do
  [ -d "$servers/$package" ] && continue
  download=$(mktemp -d)
  chmod 755 "$download"
  (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package")
  dpkg-deb -x "$download"/"$package"_*.deb "$servers/$package.part"
  mv "$servers/$package.part" "$servers/$package"
  rm -r "$download"
done
