#!/usr/bin/env bash
# Unpacks the servers whose packages conflict with dovecot-pop3d into build/servers; installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
servers=build/servers
mkdir -p "$servers"

# unpack FOLDER PACKAGE...
unpack() {
  local folder=$servers/$1 download
  shift
  [ -d "$folder" ] && return
  download=$(mktemp -d)
  chmod 755 "$download"
  (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@")
  rm -rf "$folder.part"
  for archive in "$download"/*.deb; do
    dpkg-deb -x "$archive" "$folder.part"
  done
  mv "$folder.part" "$folder"
  rm -r "$download"
}

unpack popa3d popa3d
unpack fail2ban fail2ban
unpack mailutils-pop3d mailutils-pop3d
unpack courier courier-pop courier-base courier-authlib
unpack cyrus cyrus-pop3d cyrus-common
unpack perdition perdition libvanessa-adt1 libvanessa-logger0 libvanessa-socket2 libpopt0
